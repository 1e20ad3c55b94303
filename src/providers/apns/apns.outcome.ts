import { parseRetryAfterMs } from '../../lib/retry-after.js';
import { type Answer, isHtml, jsonBody, wordOr } from '../answer.js';
import type { Outcome } from '../provider.js';

/**
 * Milliseconds. A provider token may change once in 20 minutes; what is refused for that is asked again at this pace
 * with the token that we have.
 */
const TOKEN_UPDATE_DELAY_MS = 300_000;
/** Milliseconds. Apple gives no figure for `TooManyRequests`, which concerns one device. */
const HOT_TOKEN_DELAY_MS = 10_000;

/** About our connection or its end: the push was not taken, and a new connection will do. */
const CONNECTION_REASONS = new Set(['Shutdown', 'IdleTimeout']);
const TOKEN_REFUSED = new Set(['BadDeviceToken', 'DeviceTokenNotForTopic']);
const TOPIC_REASONS = new Set(['BadTopic', 'MissingTopic', 'TopicDisallowed']);
const CREDENTIAL_REASONS = new Set([
  'ExpiredProviderToken',
  'InvalidProviderToken',
  'MissingProviderToken',
  'BadCertificate',
  'BadCertificateEnvironment',
  'BadEnvironmentKeyIdInToken',
  // What live servers say instead of the documented word above.
  'BadEnvironmentKeyInToken',
  'UnrelatedKeyIdInToken',
  'Forbidden',
]);

export interface ApnsOutcomeOptions {
  now: Date;
  /** Before a repeat after 5xx. Apple: "After 15 minutes". */
  unavailableDelayMs: number;
  /** The topic is more than the credential's bundle id, so a bad one is the message's fault. */
  hasOwnTopic: boolean;
}

/**
 * What one answer of `/3/device/…` means.
 *
 * `ExpiredProviderToken` and `UnrelatedKeyIdInToken` become `credential_invalid`; one try with a fresh token or
 * connection comes before that, in the provider.
 *
 * @see https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns (read 2026-11)
 */
export function apnsOutcome(answer: Answer, options: ApnsOutcomeOptions): Outcome {
  if (answer.status === 200) {
    const id = answer.headers['apns-id'];
    return { kind: 'accepted', code: '200', status: 200, ...(id !== undefined && { providerMessageId: id }) };
  }
  const body = jsonBody(answer);
  const facts = { code: wordOr(body?.['reason'], String(answer.status)), status: answer.status };
  if (CONNECTION_REASONS.has(facts.code)) return { kind: 'not_processed', ...facts };
  if (answer.status >= 500) return serverOutcome(answer, facts, options);
  if (answer.status === 410) return { kind: 'token_invalid', ...facts, ...invalidSince(body) };
  if (answer.status === 429) return throttled(answer, facts, options);
  return { kind: refusedKind(facts.code, options), ...facts };
}

interface Facts {
  code: string;
  status: number;
}

function serverOutcome(answer: Answer, facts: Facts, options: ApnsOutcomeOptions): Outcome {
  const retryAfterMs = parseRetryAfterMs(answer.headers['retry-after'], options.now);
  const minimumDelayMs = options.unavailableDelayMs;
  const isGateway = facts.code === '502' || facts.code === '504';
  if (isHtml(answer) || isGateway) return { kind: 'ambiguous', minimumDelayMs, ...facts };
  return { kind: 'unavailable', minimumDelayMs, ...(retryAfterMs !== undefined && { retryAfterMs }), ...facts };
}

/** Milliseconds since 1970, unlike every other time that APNs speaks of. */
function invalidSince(body: Record<string, unknown> | undefined): { invalidSince?: Date } {
  const timestamp = body?.['timestamp'];
  const isUsable = typeof timestamp === 'number' && timestamp > 0 && timestamp < 8.64e15;
  return isUsable ? { invalidSince: new Date(timestamp) } : {};
}

function throttled(answer: Answer, facts: Facts, { now }: ApnsOutcomeOptions): Outcome {
  const retryAfterMs = parseRetryAfterMs(answer.headers['retry-after'], now);
  const isUpdate = facts.code === 'TooManyProviderTokenUpdates';
  return {
    kind: 'throttled',
    scope: isUpdate ? 'lane' : 'token',
    minimumDelayMs: isUpdate ? TOKEN_UPDATE_DELAY_MS : HOT_TOKEN_DELAY_MS,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...facts,
  };
}

function refusedKind(
  reason: string,
  { hasOwnTopic }: ApnsOutcomeOptions,
): 'token_refused' | 'credential_invalid' | 'message_invalid' {
  if (TOKEN_REFUSED.has(reason)) return 'token_refused';
  if (CREDENTIAL_REASONS.has(reason)) return 'credential_invalid';
  return TOPIC_REASONS.has(reason) && !hasOwnTopic ? 'credential_invalid' : 'message_invalid';
}
