import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { pageQuery } from '../http/pagination.js';
import { ROLES } from '../http/route.js';
import { isExactOrigin } from './application.js';

const MAX_NAME_CHARACTERS = 200;
const MAX_ORIGINS = 100;
/** The longest email there is. */
const MAX_ACTOR_CHARACTERS = 320;

const name = z.string().trim().min(1).max(MAX_NAME_CHARACTERS);
const settings = {
  userTokenPublicKey: z
    .string()
    .max(4_096)
    .refine(isEs256PublicKey, 'must be a PEM public key on the curve P-256 (ES256)')
    .nullable()
    .optional()
    .describe('PEM of the ES256 key with which the application signs user tokens; null removes it'),
  requireUserToken: z.boolean().optional().describe('Default true: a client key sets a userId only with a user token'),
  corsOrigins: z
    .array(z.string().max(300).refine(isExactOrigin, 'must be an exact origin such as https://app.example.com'))
    .max(MAX_ORIGINS)
    .optional()
    .describe('Exact origins whose pages may call client routes'),
};

export const applicationParams = z.strictObject({ id: z.uuid().toLowerCase() });
export const listQuery = z.strictObject({ ...pageQuery });
export const createApplicationBody = z.strictObject({ name, ...settings });
export const updateApplicationBody = z.strictObject({ name: name.optional(), ...settings });

export const applicationSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  userTokenPublicKey: z.string().nullable(),
  requireUserToken: z.boolean(),
  corsOrigins: z.array(z.string()),
  createdAt: z.iso.datetime(),
});

export const apiKeyParams = z.strictObject({ id: z.uuid().toLowerCase(), keyId: z.uuid().toLowerCase() });
export const createApiKeyBody = z.strictObject({
  role: z.enum(ROLES),
  name: z.string().trim().max(MAX_NAME_CHARACTERS).default(''),
  expiresAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .nullable()
    .default(null),
});

export const apiKeySchema = z.object({
  id: z.uuid(),
  role: z.enum(ROLES),
  name: z.string(),
  prefix: z.string(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
  lastUsedAt: z.iso.datetime().nullable(),
});
export const createdApiKeySchema = apiKeySchema.extend({ key: z.string().describe('The key, this once') });

export const auditQuery = z.strictObject({
  ...pageQuery,
  applicationId: z.uuid().toLowerCase().optional(),
  accountId: z.uuid().toLowerCase().optional().describe('What this person did in the console'),
  subject: z.string().max(300).optional().describe('What was done to it: an id, or a name'),
  by: z.string().min(1).max(MAX_ACTOR_CHARACTERS).optional().describe('Id of a key or an account, or an email'),
  action: z
    .string()
    .regex(/^[a-z_]+(\.[a-z_]+)?$/, 'must be an action such as `credential.put`, or what it begins with')
    .optional()
    .describe('Such as `credential.put`, or `credential` for all of them'),
});
export const auditEntrySchema = z.object({
  id: z.number(),
  at: z.iso.datetime(),
  keyId: z.string().describe('The API key’s id; `bootstrap`, `console` or `system` where there is none'),
  accountId: z.uuid().nullable().describe('Who did it in the console'),
  accountEmail: z.string().nullable().describe('As it was at that time'),
  applicationId: z.uuid().nullable(),
  action: z.string(),
  subject: z.string(),
});

function isEs256PublicKey(pem: string): boolean {
  try {
    const key = createPublicKey(pem);
    return pem.includes('PUBLIC KEY') && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false;
  }
}
