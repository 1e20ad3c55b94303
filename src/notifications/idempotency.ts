import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { IdempotencyRepository, type IdempotentRequest, type StoredResponse } from './idempotency.repository.js';
import type { Accepted } from './notifications.dto.js';

/** Milliseconds that a repeated request waits for the first one. */
const WAIT_MS = 5_000;
/** SQLSTATE of a statement that waited for a lock longer than `lock_timeout`. */
const LOCK_NOT_AVAILABLE = '55P03';

/** How a request ended. */
export interface Answer {
  accepted: Accepted;
  /** True: it is the answer to an earlier request. */
  isReplay: boolean;
}

/** What one try came to: the answer that was on record for the key, or the one that is from now on. */
export type Attempt = { before: StoredResponse } | { response: Accepted };

/**
 * Lets a request happen once. Between processes the unique key in Postgres decides; inside one, repeats wait for the first
 * without a database connection, so that a client that repeats itself quickly cannot use up the pool.
 */
@Injectable()
export class Idempotency {
  private readonly inFlight = new Map<string, Promise<StoredResponse>>();

  constructor(
    private readonly repository: IdempotencyRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Runs `work` unless the same request is under way in this process already; then its answer is this one's, too.
   *
   * @param work looks for the key's first answer, else does and stores the request under the key; undefined when the key was
   *             taken between the two
   * @throws DomainError `idempotency_key_reused` when the key stands for another body; `idempotency_in_flight` when the first
   *         request is not done after 5 s
   */
  async once(request: IdempotentRequest, work: () => Promise<Attempt | undefined>): Promise<Answer> {
    const id = `${request.applicationId} ${request.key}`;
    const deadlineMs = this.clock.monotonicMs() + WAIT_MS;
    for (let other = this.inFlight.get(id); other; other = this.inFlight.get(id)) {
      const stored = await settledWithin(other, deadlineMs - this.clock.monotonicMs());
      if (stored) return replayOf(stored, request);
    }
    const earlier = Promise.withResolvers<StoredResponse>();
    // Nobody may be waiting; then a failure is the caller's alone.
    earlier.promise.catch(() => undefined);
    this.inFlight.set(id, earlier.promise);
    try {
      const attempt = await this.run(work, deadlineMs);
      if ('before' in attempt) {
        earlier.resolve(attempt.before);
        return replayOf(attempt.before, request);
      }
      earlier.resolve({ requestHash: request.requestHash, response: attempt.response });
      return { accepted: attempt.response, isReplay: false };
    } catch (error) {
      earlier.reject(error);
      throw error;
    } finally {
      this.inFlight.delete(id);
    }
  }

  /** Forgets keys that are older than 72 hours; returns how many. */
  purge(): Promise<number> {
    return this.repository.purge();
  }

  private async run(work: () => Promise<Attempt | undefined>, deadlineMs: number): Promise<Attempt> {
    for (;;) {
      try {
        const attempt = await work();
        if (attempt) return attempt;
      } catch (error) {
        if (!isLockTimeout(error)) throw error;
      }
      if (this.clock.monotonicMs() >= deadlineMs) throw stillInFlight();
    }
  }
}

function replayOf(stored: StoredResponse, request: IdempotentRequest): Answer {
  if (!stored.requestHash.equals(request.requestHash)) {
    throw new DomainError(
      'unprocessable',
      'idempotency_key_reused',
      'this Idempotency-Key was used with another body; a new request needs a new key',
    );
  }
  return { accepted: stored.response, isReplay: true };
}

function stillInFlight(): DomainError {
  const message = 'the first request with this Idempotency-Key is not done yet';
  return new DomainError('conflict', 'idempotency_in_flight', message, [], 1);
}

/** What the other request stored; undefined when it failed, so that this one may try. */
async function settledWithin(other: Promise<StoredResponse>, waitMs: number): Promise<StoredResponse | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), Math.max(0, waitMs));
  });
  try {
    const first = await Promise.race([other.catch(() => undefined), timeout]);
    if (first === 'late') throw stillInFlight();
    return first;
  } finally {
    clearTimeout(timer);
  }
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE;
}
