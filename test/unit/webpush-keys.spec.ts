import { createPublicKey } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type EphemeralKey, EphemeralKeys, makeEphemeralKey, Salts } from '../../src/providers/webpush/webpush.keys.js';
import { eventually } from '../setup/eventually.js';

let keys: EphemeralKeys | undefined;

afterEach(() => keys?.close());

const pointOf = ({ point }: EphemeralKey) => point.toString('base64url');

describe('key pairs of messages', () => {
  it('a pair belongs together, and coordinates that begin with zeros keep their place', () => {
    let zeros = 0;
    while (zeros < 3) {
      const { privateKey, point } = makeEphemeralKey();
      const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
      expect(point).toEqual(spki.subarray(-65));
      if (point[1] === 0 || point[33] === 0) zeros += 1;
    }
  });

  it('are made ahead while nothing else happens, at most 256, and each is handed out once', async () => {
    const pool = new EphemeralKeys();
    keys = pool;
    expect(pool.readyCount).toBe(0);
    const points = [pointOf(pool.take())];
    await eventually(() => expect(pool.readyCount).toBe(256));
    for (let i = 0; i < 600; i += 1) points.push(pointOf(pool.take()));
    expect(new Set(points).size).toBe(601);
    await eventually(() => expect(pool.readyCount).toBe(256));
  });

  it('a failure while making them ahead reaches nobody; one that a message needs reaches that message', async () => {
    let isBroken = true;
    let calls = 0;
    const pool = new EphemeralKeys(() => {
      calls += 1;
      if (isBroken) throw new Error('no entropy');
      return makeEphemeralKey();
    });
    keys = pool;
    expect(() => pool.take()).toThrow('no entropy');
    await eventually(() => expect(calls).toBeGreaterThan(2));
    isBroken = false;
    expect(pool.take().point.length).toBe(65);
    await eventually(() => expect(pool.readyCount).toBe(256));
  });

  it('are forgotten when the process stops', async () => {
    const pool = new EphemeralKeys();
    pool.take();
    await eventually(() => expect(pool.readyCount).toBeGreaterThan(0));
    pool.close();
    expect(pool.readyCount).toBe(0);
  });
});

describe('salts', () => {
  it('never repeat, and stay what they are while others are taken', () => {
    const salts = new Salts();
    const taken = Array.from({ length: 2_000 }, () => salts.take());
    const copies = taken.map((salt) => salt.toString('hex'));
    expect(new Set(copies).size).toBe(2_000);
    for (let i = 0; i < 1_000; i += 1) salts.take();
    expect(taken.map((salt) => salt.toString('hex'))).toEqual(copies);
    expect(taken.every((salt) => salt.length === 16)).toBe(true);
  });
});
