import { ECDH } from 'node:crypto';
import { DomainError, type Problem } from '../../lib/errors.js';
import { isRecord } from '../answer.js';
import { unknownKeys } from '../overrides.js';
import type { ParsedToken } from '../provider.js';
import { AUTH_BYTES } from './webpush.encryption.js';
import { checkEndpoint, type EndpointRules } from './webpush.endpoint.js';
import { POINT_BYTES } from './webpush.keys.js';

/** A subscription as it is stored: the endpoint and the browser's two keys in URL-safe base64. */
export interface Subscription {
  endpoint: string;
  p256dh: string;
  auth: string;
}

/**
 * Bytes from base64, URL-safe or standard, padded or not.
 *
 * @returns undefined for anything else
 */
export function decodeBase64(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || value.length > 1024) return undefined;
  const bare = value
    .replace(/={1,2}$/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  if (!/^[A-Za-z0-9_-]+$/.test(bare)) return undefined;
  const bytes = Buffer.from(bare, 'base64url');
  // Left-over bits that are not zero mean that something was cut off.
  return bytes.toString('base64url') === bare ? bytes : undefined;
}

/** A public key of P-256 in its uncompressed form, URL-safe; undefined when it is no point of that curve. */
export function normalisedPoint(value: unknown): string | undefined {
  const bytes = decodeBase64(value);
  if (bytes === undefined || bytes.length !== POINT_BYTES || bytes[0] !== 4) return undefined;
  try {
    ECDH.convertKey(bytes, 'prime256v1');
    return bytes.toString('base64url');
  } catch {
    return undefined;
  }
}

/**
 * Checks and normalises what a browser's `PushSubscription.toJSON()` gives.
 *
 * @throws DomainError `invalid_token`
 */
export function parseSubscription(
  input: unknown,
  vapidPublicKey: string | undefined,
  rules: EndpointRules,
): ParsedToken {
  const problems: Problem[] = [];
  const given = isRecord(input) ? input : {};
  if (!isRecord(input)) problems.push({ path: 'token', message: 'must be { endpoint, keys: { p256dh, auth } }' });
  const keys = isRecord(given['keys']) ? given['keys'] : {};
  problems.push(...unknownKeys(given, ['endpoint', 'keys', 'expirationTime'], 'token'));
  problems.push(...unknownKeys(keys, ['p256dh', 'auth'], 'token.keys'));
  const endpoint = checkEndpoint(given['endpoint'], rules);
  if ('refused' in endpoint) problems.push({ path: 'token.endpoint', message: endpoint.refused });
  const p256dh = normalisedPoint(keys['p256dh']);
  if (p256dh === undefined) {
    problems.push({
      path: 'token.keys.p256dh',
      message: 'must be a point on P-256: 65 bytes, uncompressed, in base64',
    });
  }
  const auth = decodeBase64(keys['auth']);
  if (auth?.length !== AUTH_BYTES) problems.push({ path: 'token.keys.auth', message: 'must be 16 bytes in base64' });
  const vapidKey = vapidPublicKey === undefined ? undefined : normalisedPoint(vapidPublicKey);
  if (vapidPublicKey !== undefined && vapidKey === undefined) {
    problems.push({ path: 'vapidPublicKey', message: 'must be a point on P-256: 65 bytes, uncompressed, in base64' });
  }
  if (problems.length > 0 || 'refused' in endpoint || p256dh === undefined || auth === undefined) {
    const named = problems.map((problem) => `${problem.path} ${problem.message}`).join('; ');
    throw new DomainError('invalid', 'invalid_token', `the subscription is wrong: ${named}`, problems);
  }
  const { href } = endpoint.url;
  const stored: Subscription = { endpoint: href, p256dh, auth: auth.toString('base64url') };
  return { token: JSON.stringify(stored), identity: href, ...(vapidKey !== undefined && { vapidPublicKey: vapidKey }) };
}

/** A stored token; undefined when it is none of ours. */
export function readSubscription(token: string): Subscription | undefined {
  try {
    const value: unknown = JSON.parse(token);
    if (!isRecord(value)) return undefined;
    const { endpoint, p256dh, auth } = value;
    if (typeof endpoint !== 'string' || typeof p256dh !== 'string' || typeof auth !== 'string') return undefined;
    return { endpoint, p256dh, auth };
  } catch {
    return undefined;
  }
}
