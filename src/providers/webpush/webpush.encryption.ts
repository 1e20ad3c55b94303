import { createCipheriv, createSecretKey, diffieHellman, hash, type KeyObject } from 'node:crypto';
import { type EphemeralKey, POINT_BYTES, publicKeyOf, SALT_BYTES } from './webpush.keys.js';

export const AUTH_BYTES = 16;
const TAG_BYTES = 16;
/** Salt, record size, length of the key and the key. RFC 8188 §2.1. */
const HEADER_BYTES = SALT_BYTES + 4 + 1 + POINT_BYTES;
/** Bytes. One record holds whatever a push service takes. */
const RECORD_SIZE = 4096;
/** Says that this record is the last one. RFC 8188 §2. */
const DELIMITER = 2;

/** The browser's half of the encryption. */
export interface Receiver {
  publicKey: KeyObject;
  /** The same, {@link POINT_BYTES} bytes. */
  point: Buffer;
  /** {@link AUTH_BYTES} bytes. */
  auth: Buffer;
}

/** @returns undefined when one of the keys of a stored subscription is not usable */
export function receiverOf({ p256dh, auth }: { p256dh: string; auth: string }): Receiver | undefined {
  const point = Buffer.from(p256dh, 'base64url');
  const secret = Buffer.from(auth, 'base64url');
  if (secret.length !== AUTH_BYTES) return undefined;
  try {
    return { publicKey: publicKeyOf(point), point, auth: secret };
  } catch {
    return undefined;
  }
}

/** What is encrypted for every receiver of one message. */
export function recordOf(plaintext: Buffer): Buffer {
  return Buffer.concat([plaintext, Buffer.from([DELIMITER])]);
}

/**
 * The body of one push message.
 *
 * @param record from {@link recordOf}
 * @param sender a pair that no other message has
 * @param salt   {@link SALT_BYTES} random bytes that no other message has
 * @see https://www.rfc-editor.org/rfc/rfc8291#section-3.4
 */
export function encrypt(record: Buffer, receiver: Receiver, sender: EphemeralKey, salt: Buffer): Buffer {
  const shared = diffieHellman({ privateKey: sender.privateKey, publicKey: receiver.publicKey });
  const { key, nonce } = deriveKeys(shared, receiver, sender.point, salt);
  // Given as bytes, Node 24 would make a stack trace to find that the key is none of its own objects.
  const cipher = createCipheriv('aes-128-gcm', createSecretKey(key), nonce);
  const body = Buffer.allocUnsafe(HEADER_BYTES + record.length + TAG_BYTES);
  salt.copy(body, 0);
  body.writeUInt32BE(RECORD_SIZE, SALT_BYTES);
  body[SALT_BYTES + 4] = POINT_BYTES;
  sender.point.copy(body, SALT_BYTES + 5);
  cipher.update(record).copy(body, HEADER_BYTES);
  cipher.final();
  cipher.getAuthTag().copy(body, HEADER_BYTES + record.length);
  return body;
}

const HASH_BYTES = 32;
const BLOCK_BYTES = 64;

/**
 * HMAC-SHA-256 whose two inputs are laid out once, so that each use fills in what is new and hashes twice. `hkdfSync` and
 * `createHmac` spend several times as long on objects of their own. Digests are strings of bytes, which Node returns
 * faster than buffers.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2104#section-2
 */
class Hmac {
  private readonly inner: Buffer;
  private readonly outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES, 0x5c);

  /** @param message what of it is always the same; the rest is filled in with {@link fill} */
  constructor(
    private readonly keyBytes: number,
    message: Buffer,
  ) {
    this.inner = Buffer.concat([Buffer.alloc(BLOCK_BYTES, 0x36), message]);
  }

  fill(at: number, bytes: Buffer): this {
    bytes.copy(this.inner, BLOCK_BYTES + at);
    return this;
  }

  fillText(at: number, digest: string): this {
    this.inner.write(digest, BLOCK_BYTES + at, 'latin1');
    return this;
  }

  digest(key: string): string {
    const { inner, outer } = this;
    for (let i = 0; i < this.keyBytes; i += 1) {
      const byte = key.charCodeAt(i);
      inner[i] = byte ^ 0x36;
      outer[i] = byte ^ 0x5c;
    }
    outer.write(hash('sha256', inner, 'binary'), BLOCK_BYTES, 'latin1');
    return hash('sha256', outer, 'binary');
  }
}

const INFO = Buffer.from('WebPush: info\0');
/** HKDF's counter of output blocks; every output here fits into the first. RFC 5869 §2.3. */
const FIRST_BLOCK = Buffer.from([1]);

const extractShared = new Hmac(AUTH_BYTES, Buffer.alloc(HASH_BYTES));
const expandInput = new Hmac(HASH_BYTES, Buffer.concat([INFO, Buffer.alloc(2 * POINT_BYTES), FIRST_BLOCK]));
const extractInput = new Hmac(SALT_BYTES, Buffer.alloc(HASH_BYTES));
const expandKey = new Hmac(HASH_BYTES, Buffer.from('Content-Encoding: aes128gcm\0\x01'));
const expandNonce = new Hmac(HASH_BYTES, Buffer.from('Content-Encoding: nonce\0\x01'));

function deriveKeys(
  shared: Buffer,
  receiver: Receiver,
  senderPoint: Buffer,
  salt: Buffer,
): { key: Buffer; nonce: Buffer } {
  const fromShared = extractShared.fill(0, shared).digest(receiver.auth.toString('latin1'));
  const input = expandInput
    .fill(INFO.length, receiver.point)
    .fill(INFO.length + POINT_BYTES, senderPoint)
    .digest(fromShared);
  const fromInput = extractInput.fillText(0, input).digest(salt.toString('latin1'));
  return {
    key: Buffer.from(expandKey.digest(fromInput).slice(0, 16), 'latin1'),
    nonce: Buffer.from(expandNonce.digest(fromInput).slice(0, 12), 'latin1'),
  };
}
