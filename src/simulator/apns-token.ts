import type { VirtualClock } from './clock.js';
import type { Connection } from './connection.js';
import type { ApnsKey, Credentials } from './credentials.js';
import { es256Form, parseJwt } from './jwt.js';
import type { Settings } from './settings.js';

const MINUTE_MS = 60_000;
const MAX_AGE_MS = 60 * MINUTE_MS;
/** How far in the future `iat` may lie. Apple does not say; a few minutes is what senders report. */
const MAX_AHEAD_MS = 5 * MINUTE_MS;
const CACHE = 1_000;
const REMEMBERED_TOKENS = 20;

interface Verified {
  key: ApnsKey;
  issuedAtMs: number;
}

/** A refused provider token; 403 unless the reason is `TooManyProviderTokenUpdates`. */
export interface TokenFault {
  reason: string;
  violation?: string;
}

/** Checks `authorization` of APNs requests: signature, age, how often it changes. Verified tokens are remembered. */
export class ProviderTokens {
  private readonly verified = new Map<string, Verified>();
  private readonly updates = new Map<string, { tokens: string[]; changedAtMs: number }>();
  private readonly distinct = new Map<string, number>();

  constructor(
    private readonly credentials: Credentials,
    private readonly settings: Settings,
    private readonly clock: VirtualClock,
  ) {}

  /** @param environment the two of Apple's are separate services, each with its own count of updates */
  check(authorization: string | undefined, environment: string, connection: Connection): Verified | TokenFault {
    if (authorization === undefined) return { reason: 'MissingProviderToken', violation: 'no authorization header' };
    const known = this.verified.get(authorization) ?? this.verify(authorization);
    if ('reason' in known) return known;
    const age = this.clock.nowMs() - known.issuedAtMs;
    if (age > MAX_AGE_MS) return { reason: 'ExpiredProviderToken' };
    if (age < -MAX_AHEAD_MS) return { reason: 'InvalidProviderToken' };
    if (this.isUpdatedTooOften(`${known.key.keyId} ${environment} ${connection.remoteAddress}`, authorization)) {
      return { reason: 'TooManyProviderTokenUpdates', violation: 'provider token changed too often' };
    }
    return known;
  }

  /** Different tokens seen per key id. */
  distinctPerKey(): Record<string, number> {
    return Object.fromEntries(this.distinct);
  }

  reset(): void {
    this.verified.clear();
    this.updates.clear();
    this.distinct.clear();
  }

  private verify(authorization: string): Verified | TokenFault {
    if (!authorization.startsWith('bearer ')) {
      return { reason: 'InvalidProviderToken', violation: 'authorization scheme must be lower-case "bearer"' };
    }
    const jwt = parseJwt(authorization.slice(7));
    if (!jwt) return { reason: 'InvalidProviderToken', violation: 'provider token is not a JWT' };
    const key = this.credentials.apnsKeys.find(({ keyId }) => keyId === jwt.header['kid']);
    if (!key || jwt.claims['iss'] !== key.teamId) return { reason: 'InvalidProviderToken' };
    const { iat } = jwt.claims;
    if (typeof iat !== 'number') return { reason: 'InvalidProviderToken', violation: 'iat is not a number' };
    if (es256Form(jwt, this.credentials.publicKey(key.privateKey)) === 'invalid')
      return { reason: 'InvalidProviderToken' };
    const verified = { key, issuedAtMs: iat * 1000 };
    if (this.verified.size >= CACHE) this.verified.clear();
    this.verified.set(authorization, verified);
    return verified;
  }

  private isUpdatedTooOften(sender: string, authorization: string): boolean {
    const now = this.clock.nowMs();
    const state = this.updates.get(sender);
    if (state?.tokens.includes(authorization)) return false;
    const window = this.settings.values.apnsTokenUpdateMs;
    if (state && window > 0 && now - state.changedAtMs < window) return true;
    const tokens = [authorization, ...(state?.tokens ?? [])].slice(0, REMEMBERED_TOKENS);
    this.updates.set(sender, { tokens, changedAtMs: now });
    const keyId = sender.slice(0, 10);
    this.distinct.set(keyId, (this.distinct.get(keyId) ?? 0) + 1);
    return false;
  }
}
