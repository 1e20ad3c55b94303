import { type KeyObject, sign } from 'node:crypto';

/**
 * A signed JWT. ES256 signatures are r||s as JOSE wants them, not DER.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7515#section-7.1
 */
export function signJwt(
  algorithm: 'ES256' | 'RS256',
  key: KeyObject,
  header: Record<string, string>,
  claims: Record<string, string | number>,
): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg: algorithm, typ: 'JWT', ...header })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}
