import {
  createCipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { contend } from '../contender.js';
import { WEB_PAYLOAD } from './message.js';
import { readSubscriptions } from './subscriptions.js';

export interface CryptoInput {
  /** Also read each browser's public key and write our own, which every message needs, too. */
  includesKeys: boolean;
  subscriptionFile: string;
}

/** What stands before an uncompressed point of P-256 in an SPKI. */
const SPKI_HEAD = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const PAYLOAD = Buffer.from(`${WEB_PAYLOAD}\x02`);
const CEK_INFO = Buffer.from('Content-Encoding: aes128gcm\0');
const NONCE_INFO = Buffer.from('Content-Encoding: nonce\0');

interface Browser {
  point: Buffer;
  publicKey: KeyObject;
  auth: Buffer;
}

contend<CryptoInput>({
  setUp: async ({ includesKeys, subscriptionFile }) => {
    const browsers = readSubscriptions(subscriptionFile, '').map(({ keys }): Browser => {
      const point = Buffer.from(keys.p256dh, 'base64url');
      return { point, publicKey: publicKeyOf(point), auth: Buffer.from(keys.auth, 'base64url') };
    });
    let at = 0;
    return {
      run: async (count) => {
        for (let made = 0; made < count; made += 1) {
          const browser = browsers[at % browsers.length];
          at += 1;
          if (browser !== undefined) encrypt(browser, includesKeys);
        }
        return { accepted: count };
      },
      tearDown: async () => {},
    };
  },
});

function publicKeyOf(point: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, point]), format: 'der', type: 'spki' });
}

/** RFC 8291 by nothing but the calls of `node:crypto`: key pair, ECDH, three times HKDF, AES-128-GCM. */
function encrypt(browser: Browser, includesKeys: boolean): void {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = includesKeys ? publicKeyOf(browser.point) : browser.publicKey;
  const ownPoint = includesKeys ? own.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65) : browser.point;
  const shared = diffieHellman({ privateKey: own.privateKey, publicKey });
  const salt = randomBytes(16);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), browser.point, ownPoint]);
  const input = Buffer.from(hkdfSync('sha256', shared, browser.auth, info, 32));
  const key = Buffer.from(hkdfSync('sha256', input, salt, CEK_INFO, 16));
  const nonce = Buffer.from(hkdfSync('sha256', input, salt, NONCE_INFO, 12));
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  Buffer.concat([cipher.update(PAYLOAD), cipher.final(), cipher.getAuthTag()]);
}
