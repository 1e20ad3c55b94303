import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';

/** Bytes of a public key of P-256 as Web Push writes it: uncompressed. */
export const POINT_BYTES = 65;
export const SALT_BYTES = 16;

/** The sender's key pair of one message. It must never serve a second one. */
export interface EphemeralKey {
  privateKey: KeyObject;
  /** The public key, {@link POINT_BYTES} bytes. */
  point: Buffer;
}

const CURVE = { namedCurve: 'P-256' };
const AS_JWK = { format: 'jwk' } as const;

/** JWK is the cheapest form that every Node writes; as SPKI the same key takes three times as long. */
export function makeEphemeralKey(): EphemeralKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', CURVE);
  const { x = '', y = '' } = publicKey.export(AS_JWK);
  const point = Buffer.alloc(POINT_BYTES);
  point[0] = 4;
  point.write(x, 1, 'base64url');
  point.write(y, 33, 'base64url');
  return { privateKey, point };
}

const SPKI_HEAD = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const spki = Buffer.concat([SPKI_HEAD, Buffer.alloc(POINT_BYTES)]);

/**
 * Reads a public key.
 *
 * As PEM, because Node 24 finds out whether a key that is an object is a `KeyObject` by letting native code throw, with a
 * stack trace each time: DER and JWK take two to three times as long.
 *
 * @throws Error when these bytes are no point on the curve
 */
export function publicKeyOf(point: Buffer): KeyObject {
  if (point.length !== POINT_BYTES || point[0] !== 4) throw new RangeError('not an uncompressed point of P-256');
  point.copy(spki, SPKI_HEAD.length);
  return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----\n`);
}

/** Key pairs that are kept ready: what a burst finds, at 1 to 2 KB each. */
const MAX_READY = 256;
/** Milliseconds between two looks at how busy the event loop is. */
const LOOK_MS = 10;
/** Pairs per look, about 0.3 ms of work. */
const PAIRS_PER_LOOK = 8;
/** Share of the time between two looks that the event loop may have been busy. */
const IDLE_BELOW = 0.5;

/**
 * A fresh key pair for each message. Some are made ahead while the event loop has nothing better to do, so that a single push
 * need not wait for its own; under load each message makes one, which costs the same.
 */
export class EphemeralKeys {
  private readonly ready: EphemeralKey[] = [];
  private looks: NodeJS.Timeout | undefined;
  private last = performance.eventLoopUtilization();

  /** @param make replaces the random pairs in tests */
  constructor(private readonly make: () => EphemeralKey = makeEphemeralKey) {}

  /** Pairs made ahead and not yet taken. */
  get readyCount(): number {
    return this.ready.length;
  }

  /** A pair that nobody had before and nobody will get again. @throws Error when OpenSSL cannot make one */
  take(): EphemeralKey {
    this.looks ??= this.startLooking();
    return this.ready.pop() ?? this.make();
  }

  close(): void {
    clearInterval(this.looks);
    this.looks = undefined;
    this.ready.length = 0;
  }

  private startLooking(): NodeJS.Timeout {
    this.last = performance.eventLoopUtilization();
    return setInterval(() => this.look(), LOOK_MS).unref();
  }

  private look(): void {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.last);
    this.last = now;
    if (utilization < IDLE_BELOW) this.makeSome();
    if (this.ready.length < MAX_READY) return;
    clearInterval(this.looks);
    this.looks = undefined;
  }

  private makeSome(): void {
    try {
      for (let made = 0; made < PAIRS_PER_LOOK && this.ready.length < MAX_READY; made += 1)
        this.ready.push(this.make());
    } catch {
      // Nobody waits for these. A message that cannot have a pair of its own says so itself.
    }
  }
}

/** Salts fetched from the system at once: a call for 16 bytes costs as much as one for thousands. */
const SALTS_AT_ONCE = 256;

/** A fresh random salt for each message. */
export class Salts {
  private bytes = Buffer.alloc(0);
  private at = 0;

  /** {@link SALT_BYTES} bytes that are handed out once. */
  take(): Buffer {
    if (this.at === this.bytes.length) {
      // A new buffer, so that salts that are still in somebody's hands stay what they are.
      this.bytes = randomBytes(SALTS_AT_ONCE * SALT_BYTES);
      this.at = 0;
    }
    const salt = this.bytes.subarray(this.at, this.at + SALT_BYTES);
    this.at += SALT_BYTES;
    return salt;
  }
}
