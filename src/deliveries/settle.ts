/** The whole policy: what follows from what a provider said. Pure; everything else only carries it out. */
import type { TerminalStatus } from '../batches/batch.js';
import { assertNever } from '../lib/errors.js';
import type { Outcome } from '../providers/provider.js';
import { retryDelayMs, throttleDelayMs } from './retry-policy.js';

export interface Situation {
  semantics: 'at_least_once' | 'at_most_once';
  /** Steps of the retry schedule used so far. */
  step: number;
  /** Milliseconds until the TTL ends the delivery. */
  remainingMs: number;
  /** Uniform in [0, 1). */
  random: number;
}

/** What becomes of the delivery. */
export type Fate =
  | { kind: 'ended'; status: TerminalStatus }
  /** Moved to a child batch that is due then. */
  | { kind: 'retry'; inMs: number }
  /** Stays pending in its batch until the gate opens or the TTL ends it. */
  | { kind: 'held' };

export interface Settlement {
  fate: Fate;
  /** `invalidate`: the token is dead. `set_aside`: refused here, perhaps alive elsewhere; under the mass guard. */
  device?: 'invalidate' | 'set_aside';
  /** Since when the provider knows the token to be dead; a later registration wins. */
  invalidSince?: Date;
  /** Close the gate of this application, provider and scope. */
  gate?: { kind: 'throttled'; forMs: number } | { kind: 'credential' };
  /** How the circuit breaker counts this answer; absent: not at all. */
  breaker?: 'success' | 'failure';
  /** Counts towards failing the rest of the notification unsent. */
  message?: 'accepted' | 'invalid';
}

/** What follows from an acceptance, whatever the situation. */
export const ACCEPTED: Settlement = {
  fate: { kind: 'ended', status: 'accepted' },
  breaker: 'success',
  message: 'accepted',
};

/**
 * @param outcome what the provider call ended with
 * @returns what follows for the delivery, the device, the gate and the breaker
 */
export function settle(outcome: Outcome, situation: Situation): Settlement {
  switch (outcome.kind) {
    case 'accepted':
      return ACCEPTED;
    case 'not_processed':
      // The transport has already repeated it once on another connection.
      return { fate: retry(situation, {}), breaker: 'failure' };
    case 'unavailable':
      return { fate: retry(situation, outcome), breaker: 'failure' };
    case 'ambiguous':
      if (situation.semantics === 'at_most_once') {
        return { fate: { kind: 'ended', status: 'unknown' }, breaker: 'failure' };
      }
      return { fate: retry(situation, outcome), breaker: 'failure' };
    case 'throttled':
      return throttled(outcome, situation);
    case 'token_invalid':
      return {
        fate: { kind: 'ended', status: 'failed' },
        device: 'invalidate',
        ...(outcome.invalidSince && { invalidSince: outcome.invalidSince }),
        breaker: 'success',
      };
    case 'token_refused':
      return { fate: { kind: 'ended', status: 'failed' }, device: 'set_aside', breaker: 'success' };
    case 'message_invalid':
      return { fate: { kind: 'ended', status: 'failed' }, breaker: 'success', message: 'invalid' };
    case 'credential_invalid':
      return { fate: { kind: 'held' }, gate: { kind: 'credential' } };
    default:
      return assertNever(outcome);
  }
}

function throttled(outcome: Extract<Outcome, { kind: 'throttled' }>, situation: Situation): Settlement {
  const forMs = throttleDelayMs({ ...outcome, random: situation.random });
  const fate = within(situation, forMs);
  // The gate opens when the provider said; the jitter of each delivery comes after that.
  if (outcome.scope === 'lane') {
    return { fate, gate: { kind: 'throttled', forMs: throttleDelayMs({ ...outcome, random: 0 }) }, breaker: 'success' };
  }
  return { fate, breaker: 'success' };
}

function retry(situation: Situation, asked: { minimumDelayMs?: number; retryAfterMs?: number }): Fate {
  return within(situation, retryDelayMs({ ...asked, step: situation.step, random: situation.random }));
}

/** A retry that would come after the TTL is none. */
function within(situation: Situation, inMs: number): Fate {
  return inMs >= situation.remainingMs ? { kind: 'ended', status: 'expired' } : { kind: 'retry', inMs };
}
