import {
  createCipheriv,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { publicKeyOf } from '../../src/providers/webpush/webpush.keys.js';
import { contend } from '../contender.js';
import { WEB_PAYLOAD } from './message.js';
import { readSubscriptions } from './subscriptions.js';

export interface CryptoInput {
  /**
   * `bytes`: secrets handed over as they come, as the documentation of `node:crypto` does. `objects`: as `KeyObject`s, which Node 24
   * takes far faster. `keys`: also reads each browser's public key and writes our own, which every message needs, too.
   */
  mode: 'bytes' | 'objects' | 'keys';
  subscriptionFile: string;
}

const CURVE = { namedCurve: 'P-256' };
const UNCOMPRESSED = Buffer.of(4);
const KEY_INFO = Buffer.from('WebPush: info\0');
const PAYLOAD = Buffer.from(`${WEB_PAYLOAD}\x02`);
const CEK_INFO = Buffer.from('Content-Encoding: aes128gcm\0');
const NONCE_INFO = Buffer.from('Content-Encoding: nonce\0');

interface Browser {
  point: Buffer;
  publicKey: KeyObject;
  auth: Buffer;
}

contend<CryptoInput>({
  setUp: async ({ mode, subscriptionFile }) => {
    const browsers = readSubscriptions(subscriptionFile, '').map(({ keys }): Browser => {
      const point = Buffer.from(keys.p256dh, 'base64url');
      return { point, publicKey: publicKeyOf(point), auth: Buffer.from(keys.auth, 'base64url') };
    });
    const encrypt = { bytes: encryptFromBytes, objects: encryptFromObjects, keys: encryptWithKeys }[mode];
    let at = 0;
    return {
      run: async (count) => {
        for (let made = 0; made < count; made += 1) {
          const browser = browsers[at % browsers.length];
          at += 1;
          if (browser !== undefined) encrypt(browser);
        }
        return { accepted: count };
      },
      tearDown: async () => {},
    };
  },
});

/** RFC 8291 by nothing but the calls of `node:crypto`: key pair, ECDH, three times HKDF, AES-128-GCM. */
function encryptFromBytes({ publicKey, point, auth }: Browser): void {
  const { privateKey } = generateKeyPairSync('ec', CURVE);
  const shared = diffieHellman({ privateKey, publicKey });
  const salt = randomBytes(16);
  const input = Buffer.from(hkdfSync('sha256', shared, auth, keyInfo(point, point), 32));
  const key = Buffer.from(hkdfSync('sha256', input, salt, CEK_INFO, 16));
  const nonce = Buffer.from(hkdfSync('sha256', input, salt, NONCE_INFO, 12));
  seal(key, nonce);
}

function encryptFromObjects({ publicKey, point, auth }: Browser): void {
  const { privateKey } = generateKeyPairSync('ec', CURVE);
  derive(diffieHellman({ privateKey, publicKey }), auth, keyInfo(point, point));
}

function encryptWithKeys({ point, auth }: Browser): void {
  const own = generateKeyPairSync('ec', CURVE);
  const { x = '', y = '' } = own.publicKey.export({ format: 'jwk' });
  const ownPoint = Buffer.concat([UNCOMPRESSED, Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  const shared = diffieHellman({ privateKey: own.privateKey, publicKey: publicKeyOf(point) });
  derive(shared, auth, keyInfo(point, ownPoint));
}

function keyInfo(browserPoint: Buffer, ownPoint: Buffer): Buffer {
  return Buffer.concat([KEY_INFO, browserPoint, ownPoint]);
}

function derive(shared: Buffer, auth: Buffer, info: Buffer): void {
  const salt = randomBytes(16);
  const input = createSecretKey(Buffer.from(hkdfSync('sha256', createSecretKey(shared), auth, info, 32)));
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', input, salt, CEK_INFO, 16)));
  const nonce = Buffer.from(hkdfSync('sha256', input, salt, NONCE_INFO, 12));
  seal(key, nonce);
}

function seal(key: Buffer | KeyObject, nonce: Buffer): void {
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  Buffer.concat([cipher.update(PAYLOAD), cipher.final(), cipher.getAuthTag()]);
}
