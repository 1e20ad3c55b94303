import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { SESSION_COOKIE } from '../http/openapi.js';

const SECRET_BYTES = 32;
const SECRET = new RegExp(`(?:^|; ?)${SESSION_COOKIE}=([A-Za-z0-9_-]{43})(?:;|$)`);
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';

/** 256 random bits in base64url: of a session, or of a sign-in link. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** What is stored instead of such a secret. Its 256 random bits need no slow hash. */
export function secretHash(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** The session secret in a `Cookie` header; undefined: there is none that could be one. */
export function sessionSecretOf(cookies: string | undefined): string | undefined {
  return cookies === undefined ? undefined : SECRET.exec(cookies)?.[1];
}

/** `Set-Cookie` for a new session. */
export function sessionCookie(secret: string, maxAgeSeconds: number): string {
  return `${SESSION_COOKIE}=${secret}; Max-Age=${maxAgeSeconds}; ${ATTRIBUTES}`;
}

/** `Set-Cookie` that removes it. */
export const EXPIRED_SESSION_COOKIE = `${SESSION_COOKIE}=; Max-Age=0; ${ATTRIBUTES}`;

/** What a page of ours sends as `x-csrf-token`: it belongs to the session, and tells nothing about its secret. */
export function csrfTokenOf(secret: string): string {
  return createHmac('sha256', secret).update('csrf').digest('base64url');
}

/** Whether a header is the token of this session. */
export function isCsrfToken(header: string | string[] | undefined, csrfToken: string): boolean {
  if (typeof header !== 'string' || header.length !== csrfToken.length) return false;
  return timingSafeEqual(hash('sha256', header, 'buffer'), hash('sha256', csrfToken, 'buffer'));
}
