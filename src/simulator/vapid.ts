import { createPublicKey, type KeyObject } from 'node:crypto';
import type { VirtualClock } from './clock.js';
import { es256Form, parseJwt } from './jwt.js';

const MAX_AHEAD_SECONDS = 24 * 3600;
const CACHE = 5_000;

/** Everything that can be wrong with a VAPID header; each push service has its own words for it. */
export type VapidFault =
  | 'missing'
  | 'scheme'
  | 'key'
  | 'jwt'
  | 'signature'
  | 'aud'
  | 'exp-missing'
  | 'exp-type'
  | 'expired'
  | 'exp-too-far'
  | 'sub'
  | 'mismatch';

interface Verified {
  publicKey: Buffer;
  claims: Readonly<Record<string, unknown>>;
}

export interface VapidIdentity {
  /** 65 bytes. */
  publicKey: Buffer;
}

/** Checks `Authorization: vapid t=…, k=…`; RFC 8292. Signatures are verified once per header value. */
export class Vapid {
  private readonly verified = new Map<string, Verified | VapidFault>();
  private readonly keys = new Map<string, KeyObject>();
  /** Different JWTs seen, and requests that carried one. */
  distinctTokens = 0;
  requests = 0;

  constructor(private readonly clock: VirtualClock) {}

  /**
   * @param origin   of the endpoint, such as `https://127.0.0.1:4443`: what `aud` has to be
   * @param needsSub Apple wants a `mailto:` or `https:` that is not at localhost; others do not look
   */
  check(authorization: string | undefined, origin: string, needsSub: boolean): VapidIdentity | VapidFault {
    if (authorization === undefined) return 'missing';
    this.requests += 1;
    let known = this.verified.get(authorization);
    if (known === undefined) {
      known = this.verify(authorization);
      this.distinctTokens += 1;
      if (this.verified.size >= CACHE) this.verified.clear();
      this.verified.set(authorization, known);
    }
    if (typeof known === 'string') return known;
    const fault = this.claimFault(known.claims, origin, needsSub);
    return fault ?? { publicKey: known.publicKey };
  }

  reset(): void {
    this.verified.clear();
    this.distinctTokens = 0;
    this.requests = 0;
  }

  private verify(authorization: string): Verified | VapidFault {
    const [scheme = '', ...rest] = authorization.split(' ');
    if (scheme.toLowerCase() !== 'vapid') return 'scheme';
    const parameters = new Map(
      rest
        .join('')
        .split(',')
        .map((parameter) => [parameter.slice(0, 1), parameter.slice(2)] as const),
    );
    const publicKey = Buffer.from(parameters.get('k') ?? '', 'base64url');
    if (publicKey.length !== 65 || publicKey[0] !== 4) return 'key';
    const key = this.importKey(publicKey);
    if (!key) return 'key';
    const jwt = parseJwt(parameters.get('t') ?? '');
    if (!jwt) return 'jwt';
    return es256Form(jwt, key) === 'jose' ? { publicKey, claims: jwt.claims } : 'signature';
  }

  private claimFault(claims: Verified['claims'], origin: string, needsSub: boolean): VapidFault | undefined {
    const { aud, exp, sub } = claims;
    const now = this.clock.nowMs() / 1000;
    if (aud !== origin) return 'aud';
    if (exp === undefined) return 'exp-missing';
    if (typeof exp !== 'number') return 'exp-type';
    if (exp <= now) return 'expired';
    if (exp > now + MAX_AHEAD_SECONDS) return 'exp-too-far';
    const isContact = typeof sub === 'string' && /^(mailto:|https:)/.test(sub) && !/[@/]localhost\b/.test(sub);
    return needsSub && !isContact ? 'sub' : undefined;
  }

  private importKey(publicKey: Buffer): KeyObject | undefined {
    const name = publicKey.toString('base64url');
    const known = this.keys.get(name);
    if (known) return known;
    try {
      const x = publicKey.subarray(1, 33).toString('base64url');
      const y = publicKey.subarray(33).toString('base64url');
      const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
      if (this.keys.size >= CACHE) this.keys.clear();
      this.keys.set(name, key);
      return key;
    } catch {
      return undefined;
    }
  }
}
