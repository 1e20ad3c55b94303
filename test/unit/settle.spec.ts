import { describe, expect, it } from 'vitest';
import { type Settlement, type Situation, settle } from '../../src/deliveries/settle.js';
import type { Outcome } from '../../src/providers/provider.js';

const DAY_MS = 86_400_000;
const base: Situation = { semantics: 'at_least_once', step: 0, remainingMs: DAY_MS, random: 0 };
const since = new Date('2026-11-01T00:00:00Z');

const cases: { name: string; outcome: Outcome; situation?: Partial<Situation>; settlement: Settlement }[] = [
  {
    name: 'accepted ends the delivery',
    outcome: { kind: 'accepted', code: '200' },
    settlement: { fate: { kind: 'ended', status: 'accepted' }, breaker: 'success', message: 'accepted' },
  },
  {
    name: 'a request that was not processed is retried by schedule and counts towards the breaker',
    outcome: { kind: 'not_processed', code: 'connect_failed' },
    settlement: { fate: { kind: 'retry', inMs: 10_000 }, breaker: 'failure' },
  },
  {
    name: 'unavailable is retried by schedule',
    outcome: { kind: 'unavailable', code: 'UNAVAILABLE', minimumDelayMs: 10_000 },
    situation: { step: 2 },
    settlement: { fate: { kind: 'retry', inMs: 120_000 }, breaker: 'failure' },
  },
  {
    name: 'the minimum of the provider is kept',
    outcome: { kind: 'unavailable', code: 'ServiceUnavailable', minimumDelayMs: 900_000 },
    settlement: { fate: { kind: 'retry', inMs: 900_000 }, breaker: 'failure' },
  },
  {
    name: 'Retry-After is kept',
    outcome: { kind: 'unavailable', code: '503', minimumDelayMs: 10_000, retryAfterMs: 45_000 },
    settlement: { fate: { kind: 'retry', inMs: 45_000 }, breaker: 'failure' },
  },
  {
    name: 'a retry after the TTL is none',
    outcome: { kind: 'unavailable', code: '503', minimumDelayMs: 10_000 },
    situation: { remainingMs: 9_000 },
    settlement: { fate: { kind: 'ended', status: 'expired' }, breaker: 'failure' },
  },
  {
    name: 'a throttled lane closes the gate and keeps the step',
    outcome: { kind: 'throttled', scope: 'lane', code: 'QUOTA_EXCEEDED', minimumDelayMs: 60_000 },
    settlement: {
      fate: { kind: 'retry', inMs: 60_000 },
      gate: { kind: 'throttled', forMs: 60_000 },
      breaker: 'success',
    },
  },
  {
    name: 'a throttled lane opens when its Retry-After says',
    outcome: { kind: 'throttled', scope: 'lane', code: 'QUOTA_EXCEEDED', minimumDelayMs: 0, retryAfterMs: 7_000 },
    settlement: {
      fate: { kind: 'retry', inMs: 7_000 },
      gate: { kind: 'throttled', forMs: 7_000 },
      breaker: 'success',
    },
  },
  {
    name: 'a throttled token delays nobody else',
    outcome: {
      kind: 'throttled',
      scope: 'token',
      code: 'TooManyRequests',
      minimumDelayMs: 10_000,
      retryAfterMs: 30_000,
    },
    settlement: { fate: { kind: 'retry', inMs: 30_000 }, breaker: 'success' },
  },
  {
    name: 'a dead token is invalidated as of the time the provider gave',
    outcome: { kind: 'token_invalid', code: 'Unregistered', invalidSince: since },
    settlement: {
      fate: { kind: 'ended', status: 'failed' },
      device: 'invalidate',
      invalidSince: since,
      breaker: 'success',
    },
  },
  {
    name: 'a refused token is set aside',
    outcome: { kind: 'token_refused', code: 'SENDER_ID_MISMATCH' },
    settlement: { fate: { kind: 'ended', status: 'failed' }, device: 'set_aside', breaker: 'success' },
  },
  {
    name: 'bad content touches no device',
    outcome: { kind: 'message_invalid', code: 'INVALID_ARGUMENT' },
    settlement: { fate: { kind: 'ended', status: 'failed' }, breaker: 'success', message: 'invalid' },
  },
  {
    name: 'a broken credential holds the delivery and touches no device',
    outcome: { kind: 'credential_invalid', code: 'InvalidProviderToken' },
    settlement: { fate: { kind: 'held' }, gate: { kind: 'credential' } },
  },
  {
    name: 'an unclear end is repeated where repeats are allowed',
    outcome: { kind: 'ambiguous', code: 'timeout', minimumDelayMs: 10_000 },
    settlement: { fate: { kind: 'retry', inMs: 10_000 }, breaker: 'failure' },
  },
  {
    name: 'an unclear end stays unknown where repeats are forbidden',
    outcome: { kind: 'ambiguous', code: 'reset', minimumDelayMs: 10_000 },
    situation: { semantics: 'at_most_once' },
    settlement: { fate: { kind: 'ended', status: 'unknown' }, breaker: 'failure' },
  },
  {
    name: 'what the provider itself refused for now is repeated even at most once',
    outcome: { kind: 'unavailable', code: 'UNAVAILABLE', minimumDelayMs: 10_000 },
    situation: { semantics: 'at_most_once' },
    settlement: { fate: { kind: 'retry', inMs: 10_000 }, breaker: 'failure' },
  },
];

describe('settle', () => {
  for (const { name, outcome, situation, settlement } of cases) {
    it(name, () => {
      expect(settle(outcome, { ...base, ...situation })).toEqual(settlement);
    });
  }
});
