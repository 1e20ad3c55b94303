import { createHash } from 'node:crypto';

/** A short stand-in for a secret in logs: equal secrets look equal, none can be read back. */
export function redact(secret: string): string {
  return `#${createHash('sha256').update(secret).digest('hex').slice(0, 8)}`;
}
