import type { OutcomeKind } from '../../src/providers/provider.js';

/** The fact that an answer must become; only what is listed is compared. */
export interface ExpectedOutcome {
  kind: OutcomeKind;
  scope?: 'lane' | 'token';
  code?: string;
  retryAfterMs?: number | undefined;
  minimumDelayMs?: number;
  invalidSince?: Date | undefined;
}

/** One row of a provider's table: its name, what the simulator is told to answer, and what must come of it. */
export type Row = [name: string, answer: object, expected: ExpectedOutcome];

export type Profile = 'fcm' | 'mozilla' | 'apple' | 'wns';
export type WebpushRow = [name: string, profile: Profile, answer: object, expected: ExpectedOutcome];
