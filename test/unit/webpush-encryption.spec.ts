import { createECDH, createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import webpush from 'web-push';
import { encrypt, type Receiver, receiverOf, recordOf } from '../../src/providers/webpush/webpush.encryption.js';
import { type EphemeralKey, makeEphemeralKey, Salts } from '../../src/providers/webpush/webpush.keys.js';
import { decrypt, parseEncryptedBody } from '../../src/simulator/ece.js';

const bytes = (text: string) => Buffer.from(text, 'base64url');

/** A private key of P-256 from its number. */
function privateKeyOf(scalar: Buffer, point: Buffer) {
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d: scalar.toString('base64url'), x, y }, format: 'jwk' });
}

/** A browser: what it registers, and what it decrypts with. */
function browser() {
  const { privateKey, point } = makeEphemeralKey();
  const auth = randomBytes(16);
  const subscription = { p256dh: point.toString('base64url'), auth: auth.toString('base64url') };
  return { subscription, receiver: { privateKey, publicKey: point, auth } };
}

function opened(subscription: { p256dh: string; auth: string }): Receiver {
  const receiver = receiverOf(subscription);
  if (receiver === undefined) throw new Error('not a receiver');
  return receiver;
}

function decrypted(body: Buffer, receiver: ReturnType<typeof browser>['receiver']): Buffer {
  const parsed = parseEncryptedBody(body);
  if (typeof parsed === 'string') throw new Error(parsed);
  return decrypt(parsed, receiver);
}

describe('RFC 8291, appendix A', () => {
  const asPoint = bytes('BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8');
  const sender: EphemeralKey = {
    privateKey: privateKeyOf(bytes('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'), asPoint),
    point: asPoint,
  };
  const p256dh = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';
  const auth = 'BTBZMqHH6r4Tts7J_aSIgg';
  const salt = bytes('DGv6ra1nlYgDCS1FRnbzlw');
  const plaintext = Buffer.from('When I grow up, I want to be a watermelon');
  const expected =
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml' +
    'mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT' +
    'pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN';

  it('its message, byte by byte', () => {
    const body = encrypt(recordOf(plaintext), opened({ p256dh, auth }), sender, salt);
    expect(body.toString('base64url')).toBe(expected);
  });

  it('again, after other messages went through the same buffers', () => {
    for (let i = 0; i < 20; i += 1) {
      const { subscription } = browser();
      encrypt(recordOf(randomBytes(100 * i)), opened(subscription), makeEphemeralKey(), randomBytes(16));
    }
    const body = encrypt(recordOf(plaintext), opened({ p256dh, auth }), sender, salt);
    expect(body.toString('base64url')).toBe(expected);
  });
});

describe('what browsers decrypt', () => {
  const salts = new Salts();

  it('random messages of any size up to 3993 bytes', () => {
    const sizes = [
      0,
      1,
      15,
      16,
      17,
      3992,
      3993,
      ...Array.from({ length: 300 }, () => Math.floor(Math.random() * 3994)),
    ];
    for (const size of sizes) {
      const { subscription, receiver } = browser();
      const plaintext = randomBytes(size);
      const body = encrypt(recordOf(plaintext), opened(subscription), makeEphemeralKey(), salts.take());
      expect(body.length).toBe(size + 103);
      expect(decrypted(body, receiver).equals(plaintext), `${size} bytes`).toBe(true);
    }
  });

  it('web-push encrypts alike: one receiver opens both', () => {
    const { subscription, receiver } = browser();
    const plaintext = Buffer.from(JSON.stringify({ title: '안녕', body: 'x'.repeat(500) }));
    const endpoint = { endpoint: 'https://push.invalid/', keys: subscription };
    const theirs = webpush.generateRequestDetails(endpoint, plaintext, { contentEncoding: 'aes128gcm' }).body;
    const ours = encrypt(recordOf(plaintext), opened(subscription), makeEphemeralKey(), salts.take());
    expect(decrypted(theirs, receiver)).toEqual(plaintext);
    expect(decrypted(ours, receiver)).toEqual(plaintext);
    expect(ours.length).toBe(theirs.length);
    expect(ours.subarray(16, 21)).toEqual(theirs.subarray(16, 21));
  });

  it('nothing that was changed on the way', () => {
    const { subscription, receiver } = browser();
    const body = encrypt(recordOf(Buffer.from('secret')), opened(subscription), makeEphemeralKey(), salts.take());
    for (const at of [0, 15, 90, body.length - 1]) {
      const changed = Buffer.from(body);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => decrypted(changed, receiver), `byte ${at}`).toThrow();
    }
  });
});

describe('keys of a stored subscription that are none', () => {
  const { subscription } = browser();
  const good = bytes(subscription.p256dh);
  const withByte = (at: number, byte: number) => Buffer.from(good.map((old, i) => (i === at ? byte : old)));
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ type: 'spki', format: 'der' });

  it.each<[string, { p256dh: string; auth: string }]>([
    ['a point off the curve', { ...subscription, p256dh: withByte(64, (good[64] ?? 0) ^ 1).toString('base64url') }],
    ['the point at infinity', { ...subscription, p256dh: Buffer.of(0).toString('base64url') }],
    ['zeros', { ...subscription, p256dh: Buffer.concat([Buffer.of(4), Buffer.alloc(64)]).toString('base64url') }],
    [
      'a compressed point',
      { ...subscription, p256dh: Buffer.concat([Buffer.of(2), good.subarray(1, 33)]).toString('base64url') },
    ],
    [
      'a coordinate beyond the field',
      { ...subscription, p256dh: Buffer.concat([Buffer.of(4), Buffer.alloc(64, 255)]).toString('base64url') },
    ],
    ['another form', { ...subscription, p256dh: withByte(0, 6).toString('base64url') }],
    ['a point of P-384', { ...subscription, p256dh: p384.subarray(-97).toString('base64url') }],
    ['a short point', { ...subscription, p256dh: good.subarray(0, 64).toString('base64url') }],
    ['no point', { ...subscription, p256dh: '' }],
    ['a short auth', { ...subscription, auth: randomBytes(15).toString('base64url') }],
    ['a long auth', { ...subscription, auth: randomBytes(17).toString('base64url') }],
    ['a PEM', { ...subscription, p256dh: '-----END PUBLIC KEY-----' }],
  ])('%s', (_name, keys) => {
    expect(receiverOf(keys)).toBeUndefined();
  });

  it('a point whose coordinates begin with zeros is one', () => {
    const ecdh = createECDH('prime256v1');
    let point = ecdh.generateKeys();
    while (point[1] !== 0 && point[33] !== 0) point = ecdh.generateKeys();
    const auth = randomBytes(16);
    const receiver = { privateKey: privateKeyOf(padded(ecdh.getPrivateKey()), point), publicKey: point, auth };
    const keys = { p256dh: point.toString('base64url'), auth: auth.toString('base64url') };
    const body = encrypt(recordOf(Buffer.from('x')), opened(keys), makeEphemeralKey(), randomBytes(16));
    expect(decrypted(body, receiver).toString()).toBe('x');
  });
});

function padded(scalar: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(32 - scalar.length), scalar]);
}
