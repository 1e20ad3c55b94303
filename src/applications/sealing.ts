import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/**
 * Encrypts a JSON value with AES-256-GCM.
 *
 * @param masterKey 32 bytes
 * @param context   what the value belongs to; it opens only with the same context, so a row cannot pose as another
 * @returns format byte, nonce, tag, ciphertext
 */
export function seal(masterKey: Buffer, context: readonly string[], value: unknown): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', masterKey, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(contextBytes(context));
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(FORMAT), nonce, cipher.getAuthTag(), ciphertext]);
}

/**
 * The value that {@link seal} was given.
 *
 * @throws Error when the master key or the context is another, or the bytes were changed
 */
export function unseal(masterKey: Buffer, context: readonly string[], sealed: Buffer): unknown {
  if (sealed[0] !== FORMAT || sealed.length < HEADER_BYTES) throw new Error('the sealed value has an unknown format');
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', masterKey, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(contextBytes(context));
  decipher.setAuthTag(sealed.subarray(1 + NONCE_BYTES, HEADER_BYTES));
  try {
    const text = Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES)), decipher.final()]);
    return JSON.parse(text.toString('utf8'));
  } catch (cause) {
    throw new Error(`cannot open what was sealed for ${context.join(' ')}: is CARILLON_MASTER_KEY the right one?`, {
      cause,
    });
  }
}

/** Unambiguous whatever the parts hold. */
function contextBytes(context: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(context));
}
