import type { Clock } from '../lib/clock.js';
import type { Credential, Outcome, SharedToken, SharedTokenStore } from './provider.js';

/** Why no token could be had, as the outcome of the deliveries that waited for one. */
export class MintError extends Error {
  override readonly name = 'MintError';

  constructor(readonly outcome: Outcome) {
    super(outcome.code);
  }
}

/** How one kind of short-lived token lives. Ages are measured on the store's clock. */
export interface TokenPolicy {
  /** What may share a token in this process. */
  keyOf(credential: Credential): string;
  /** Young enough that nobody needs to renew it. */
  isFresh(token: SharedToken, now: Date): boolean;
  /** Still accepted by the provider. A token that is usable but not fresh is renewed in the background. */
  isUsable(token: SharedToken, now: Date): boolean;
  /** Whether a token that the provider refused may be exchanged for a new one at this moment of the store's clock. */
  mayReplace(rejected: SharedToken, now: Date): boolean;
  /** @throws MintError with what the deliveries that wait for it end with */
  mint(credential: Credential, now: Date): Promise<SharedToken>;
}

export type TokenResult = { token: SharedToken; now: Date } | { outcome: Outcome };
type Waiter = (result: TokenResult) => void;

/** A token that the provider would not take, and its answer. */
interface Rejected {
  token: SharedToken;
  refusal: Outcome;
}

interface Entry {
  token: SharedToken | undefined;
  /** Store time minus our monotonic clock, so that a wrong wall clock here changes nothing. */
  offsetMs: number;
  waiters: Waiter[];
  isFetching: boolean;
  /** Until then (monotonic) a failed renewal is not tried again; the deliveries that need it get the failure. */
  failedUntilMs: number;
  failure: Outcome | undefined;
}

/** A token that was found usable a moment ago. */
interface Held {
  entry: Entry;
  token: SharedToken;
  /** On the monotonic clock. */
  untilMs: number;
}

const HOLD_MS = 1_000;
/** Milliseconds. A renewal that takes longer releases those that wait for it; its result still counts when it comes. */
const OBTAIN_TIMEOUT_MS = 10_000;
/** Milliseconds between tries while the old token still works, and for how long a failure answers for the next ones. */
const BACKGROUND_RETRY_MS = 10_000;
const FAILURE_MEMORY_MS = 1000;
/** Entries of credentials that were replaced or deleted must not stay for ever. */
const MAX_ENTRIES = 10_000;

/**
 * The tokens of this process in front of the shared store: synchronous while one is usable, one fetch for all that wait,
 * renewed ahead of need, and a failed renewal is invisible as long as the old token works.
 */
export class TokenCache {
  private readonly entries = new Map<string, Entry>();
  private readonly held = new WeakMap<Credential, Held>();

  constructor(
    private readonly store: SharedTokenStore,
    private readonly clock: Clock,
    private readonly policy: TokenPolicy,
  ) {}

  /**
   * The token at hand, if it is usable; else {@link use} is to be asked. What was found usable counts as such for a second:
   * one look per delivery costs as much as writing its request.
   */
  atHand(credential: Credential): SharedToken | undefined {
    const nowMs = this.clock.monotonicMs();
    const held = this.held.get(credential);
    if (held !== undefined && nowMs < held.untilMs && held.entry.token === held.token) return held.token;
    const entry = this.entryOf(credential);
    const { token } = entry;
    const now = this.storeNow(entry);
    if (token === undefined || !this.policy.isUsable(token, now)) return undefined;
    if (!this.policy.isFresh(token, now)) this.renewInBackground(credential, entry);
    this.held.set(credential, { entry, token, untilMs: nowMs + HOLD_MS });
    return token;
  }

  /** Calls `done` at once when a usable token is at hand, else when one was fetched or could not be. */
  use(credential: Credential, done: Waiter): void {
    const token = this.atHand(credential);
    const entry = this.entryOf(credential);
    if (token === undefined) this.wait(credential, entry, undefined, done);
    else done({ token, now: this.storeNow(entry) });
  }

  /**
   * As {@link use}, after the provider answered `refusal` to `rejected`: any other token will do, and if there is none, one is
   * minted unless the policy forbids it, which is then the end. The store's clock decides, read anew: ours may have stood still
   * while the machine slept.
   */
  replace(credential: Credential, rejected: SharedToken, refusal: Outcome, done: Waiter): void {
    const entry = this.entryOf(credential);
    if (entry.token !== undefined && entry.token.value !== rejected.value) {
      done({ token: entry.token, now: this.storeNow(entry) });
      return;
    }
    // Deliveries that start meanwhile must wait for the new one rather than be refused too.
    entry.token = undefined;
    this.wait(credential, entry, { token: rejected, refusal }, done);
  }

  private entryOf(credential: Credential): Entry {
    const key = this.policy.keyOf(credential);
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = { token: undefined, offsetMs: 0, waiters: [], isFetching: false, failedUntilMs: 0, failure: undefined };
      this.entries.set(key, entry);
      const oldest = this.entries.size > MAX_ENTRIES ? this.entries.keys().next().value : undefined;
      if (oldest !== undefined) this.entries.delete(oldest);
    }
    return entry;
  }

  private storeNow(entry: Entry): Date {
    return new Date(this.clock.monotonicMs() + entry.offsetMs);
  }

  private wait(credential: Credential, entry: Entry, rejected: Rejected | undefined, done: Waiter): void {
    if (!entry.isFetching && entry.failure !== undefined && this.clock.monotonicMs() < entry.failedUntilMs) {
      done({ outcome: entry.failure });
      return;
    }
    entry.waiters.push(done);
    if (!entry.isFetching) void this.fetch(credential, entry, rejected, FAILURE_MEMORY_MS);
  }

  private renewInBackground(credential: Credential, entry: Entry): void {
    if (entry.isFetching || this.clock.monotonicMs() < entry.failedUntilMs) return;
    void this.fetch(credential, entry, undefined, BACKGROUND_RETRY_MS);
  }

  private async fetch(
    credential: Credential,
    entry: Entry,
    rejected: Rejected | undefined,
    failureMemoryMs: number,
  ): Promise<void> {
    entry.isFetching = true;
    const timer = setTimeout(
      () => this.release(entry, { outcome: notSent('provider_token_timeout') }),
      OBTAIN_TIMEOUT_MS,
    );
    timer.unref();
    try {
      const token = await this.obtain(credential, entry, rejected);
      entry.token = token;
      entry.failure = undefined;
      entry.failedUntilMs = 0;
      entry.isFetching = false;
      this.release(entry, { token, now: this.storeNow(entry) });
    } catch (error) {
      entry.failure = error instanceof MintError ? error.outcome : notSent('provider_token_unavailable');
      entry.failedUntilMs = this.clock.monotonicMs() + failureMemoryMs;
      entry.isFetching = false;
      this.release(entry, { outcome: entry.failure });
    } finally {
      clearTimeout(timer);
    }
  }

  private obtain(credential: Credential, entry: Entry, rejected: Rejected | undefined): Promise<SharedToken> {
    const observe = (now: Date): void => {
      entry.offsetMs = now.getTime() - this.clock.monotonicMs();
    };
    return this.store.obtain(
      credential,
      (token, now) => {
        observe(now);
        return token.value !== rejected?.token.value && this.policy.isFresh(token, now);
      },
      (now) => {
        observe(now);
        if (rejected && !this.policy.mayReplace(rejected.token, now)) throw new MintError(rejected.refusal);
        return this.policy.mint(credential, now);
      },
    );
  }

  private release(entry: Entry, result: TokenResult): void {
    const waiters = entry.waiters;
    entry.waiters = [];
    for (const waiter of waiters) waiter(result);
  }
}

/** The push itself never left: nothing is known to be wrong with it. */
function notSent(code: string): Outcome {
  return { kind: 'not_processed', code };
}
