/** Standard Webhooks 1.0: how a receiver knows that a call is ours. Pure. */
import { createHmac } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';
/** Bytes. The standard asks for 24 to 64. */
export const SECRET_BYTES = 32;

/** @param random {@link SECRET_BYTES} random bytes */
export function webhookSecret(random: Buffer): string {
  return SECRET_PREFIX + random.toString('base64');
}

/**
 * The three headers of a call.
 *
 * @param secrets the current one, and during a rotation the one before: each signs, and one match is enough for the receiver
 * @param id      stays the same when the call is repeated, so that the receiver can tell a repeat
 * @param at      of this call; receivers refuse what is older than some minutes
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (read 2026-11)
 */
export function signedHeaders(
  secrets: readonly string[],
  id: string,
  at: Date,
  body: string,
): { 'webhook-id': string; 'webhook-timestamp': string; 'webhook-signature': string } {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
