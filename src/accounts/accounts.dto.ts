import { z } from 'zod';
import { pageQuery } from '../http/pagination.js';
import { ACCOUNT_ROLES } from '../http/route.js';

const MAX_NAME_CHARACTERS = 200;
/** RFC 5321 §4.5.3.1 */
const MAX_EMAIL_CHARACTERS = 254;
const MIN_PASSWORD_CHARACTERS = 12;
const MAX_PASSWORD_CHARACTERS = 200;

/** Names of the machine's own, such as owner@localhost, are emails here. */
const email = z
  .string()
  .trim()
  .max(MAX_EMAIL_CHARACTERS)
  .regex(/^[^\s@]{1,64}@[^\s@]+$/, 'must be an email address');
const name = z.string().trim().max(MAX_NAME_CHARACTERS);
const role = z.enum(ACCOUNT_ROLES);
const newPassword = z
  .string()
  .min(MIN_PASSWORD_CHARACTERS)
  .max(MAX_PASSWORD_CHARACTERS)
  .describe(`${MIN_PASSWORD_CHARACTERS} characters at least`);
const presentPassword = z.string().max(MAX_PASSWORD_CHARACTERS);

export const accountParams = z.strictObject({ id: z.uuid().toLowerCase() });
export const listQuery = z.strictObject({ ...pageQuery });
export const createAccountBody = z.strictObject({
  email,
  name: name.default(''),
  role,
  password: newPassword.optional().describe('Without one the account signs in with links'),
});
export const updateAccountBody = z.strictObject({
  email: email.optional(),
  name: name.optional(),
  role: role.optional(),
  isDisabled: z.boolean().optional(),
  password: z.null().optional().describe('null takes the password away: a link signs in, and a new one can be set'),
});
export const accountSchema = z.object({
  id: z.uuid(),
  email: z.string(),
  name: z.string(),
  role,
  isDisabled: z.boolean(),
  hasPassword: z.boolean(),
  createdAt: z.iso.datetime(),
  lastSignInAt: z.iso.datetime().nullable(),
});
export const signInLinkSchema = z.object({
  url: z.string().describe('Works once; shown this once'),
  expiresAt: z.iso.datetime(),
});

export const signInBody = z.strictObject({
  email: z.string().max(MAX_EMAIL_CHARACTERS),
  password: presentPassword,
});
export const linkBody = z.strictObject({ token: z.string().max(100).describe('What stands behind `#link=`') });
export const passwordBody = z.strictObject({
  currentPassword: presentPassword.optional().describe('Not needed while the account has none'),
  newPassword,
});
export const sessionSchema = z.object({
  account: accountSchema,
  csrfToken: z.string().describe('What every request but GET sends as `x-csrf-token`'),
  expiresAt: z.iso.datetime().describe('At the latest'),
});
