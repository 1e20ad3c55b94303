import { createDecipheriv, createPublicKey, diffieHellman, hkdfSync, type KeyObject } from 'node:crypto';

const SALT_BYTES = 16;
const KEY_BYTES = 65;
const TAG_BYTES = 16;
const HEADER_BYTES = SALT_BYTES + 4 + 1 + KEY_BYTES;
/** SubjectPublicKeyInfo of a P-256 key up to the point itself. */
const SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const CEK_INFO = Buffer.from('Content-Encoding: aes128gcm\0');
const NONCE_INFO = Buffer.from('Content-Encoding: nonce\0');

/** The receiving end of a push subscription. */
export interface Receiver {
  privateKey: KeyObject;
  /** 65 bytes, uncompressed. */
  publicKey: Buffer;
  /** 16 bytes. */
  auth: Buffer;
}

/** An `aes128gcm` body taken apart; nothing is decrypted yet. */
export interface EncryptedBody {
  salt: Buffer;
  recordSize: number;
  /** The sender's ephemeral key, 65 bytes. */
  senderKey: Buffer;
  ciphertext: Buffer;
}

/**
 * Reads the header of an RFC 8188 body as RFC 8291 restricts it.
 *
 * @returns the parts, or what is wrong with it
 */
export function parseEncryptedBody(body: Buffer): EncryptedBody | string {
  if (body.length < HEADER_BYTES + TAG_BYTES + 1) return 'body is shorter than header, delimiter and tag';
  if (body[SALT_BYTES + 4] !== KEY_BYTES) return 'idlen is not 65';
  const recordSize = body.readUInt32BE(SALT_BYTES);
  const ciphertext = body.subarray(HEADER_BYTES);
  if (recordSize < 18) return 'record size is below 18';
  if (ciphertext.length > recordSize) return 'more than one record';
  return {
    salt: body.subarray(0, SALT_BYTES),
    recordSize,
    senderKey: body.subarray(SALT_BYTES + 5, HEADER_BYTES),
    ciphertext,
  };
}

/**
 * Decrypts a Web Push message.
 *
 * @throws Error when the sender's key is not on the curve, the tag does not fit or the padding is wrong
 * @see https://www.rfc-editor.org/rfc/rfc8291#section-3.4
 */
export function decrypt(body: EncryptedBody, receiver: Receiver): Buffer {
  const { salt, senderKey, ciphertext } = body;
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, senderKey]), format: 'der', type: 'spki' });
  const shared = diffieHellman({ privateKey: receiver.privateKey, publicKey });
  const keyInfo = Buffer.concat([Buffer.from('WebPush: info\0'), receiver.publicKey, senderKey]);
  const ikm = Buffer.from(hkdfSync('sha256', shared, receiver.auth, keyInfo, 32));
  const key = Buffer.from(hkdfSync('sha256', ikm, salt, CEK_INFO, 16));
  const nonce = Buffer.from(hkdfSync('sha256', ikm, salt, NONCE_INFO, 12));
  const decipher = createDecipheriv('aes-128-gcm', key, nonce);
  decipher.setAuthTag(ciphertext.subarray(ciphertext.length - TAG_BYTES));
  const padded = Buffer.concat([
    decipher.update(ciphertext.subarray(0, ciphertext.length - TAG_BYTES)),
    decipher.final(),
  ]);
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end -= 1;
  if (padded[end] !== 2) throw new Error('the last record must end in delimiter 2');
  return padded.subarray(0, end);
}
