import { hash, randomBytes } from 'node:crypto';
import type { Role } from '../http/route.js';

/** What is kept of an API key: enough to recognise it, not to use it. */
export interface ApiKey {
  id: string;
  /** null: a key of the whole installation, always `admin`. */
  applicationId: string | null;
  role: Role;
  name: string;
  /** The first characters, so that people can tell keys apart. */
  prefix: string;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

const ROLE_PREFIX: Readonly<Record<Role, string>> = { client: 'cl_', server: 'sv_', admin: 'ad_' };
const SECRET_BYTES = 32;
const SHOWN_CHARACTERS = 9;

/** A new key of 256 random bits, in base64url after two letters for its role. */
export function generateKey(role: Role): string {
  return ROLE_PREFIX[role] + randomBytes(SECRET_BYTES).toString('base64url');
}

export function prefixOf(key: string): string {
  return key.slice(0, SHOWN_CHARACTERS);
}

/** What is stored instead of the key. Its 256 random bits need no slow hash. */
export function hashOf(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}
