import { parseRetryAfterMs } from '../../lib/retry-after.js';
import { type Answer, isHtml, isRecord, jsonBody, publicDetail, wordOr } from '../answer.js';
import type { Outcome } from '../provider.js';

/**
 * Milliseconds before any repeat.
 *
 * @see https://firebase.google.com/docs/cloud-messaging/scale-fcm "minimum interval before retrying" (read 2026-11)
 */
export const FCM_MINIMUM_DELAY_MS = 10_000;
/** Milliseconds after a 429 that names no time. Same source: "If no header is set, default to 60 seconds." */
const QUOTA_DEFAULT_DELAY_MS = 60_000;

const FCM_ERROR_TYPE = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const BAD_REQUEST_TYPE = 'type.googleapis.com/google.rpc.BadRequest';
const QUOTA_FAILURE_TYPE = 'type.googleapis.com/google.rpc.QuotaFailure';
const ERROR_INFO_TYPE = 'type.googleapis.com/google.rpc.ErrorInfo';
const MALFORMED_TOKEN_TEXT = 'The registration token is not a valid FCM registration token';
const TARGET_FIELDS = ['message.token', 'message.fid'];

/** What stood around the message name in an acceptance that was read whole: all of them look alike. */
let usual = { before: Buffer.alloc(0), after: Buffer.alloc(0) };

/** The outcome of an acceptance that looks like earlier ones, which nearly every answer does; undefined for {@link fcmOutcome} to read. */
export function acceptedByFcm({ status, body }: Answer): Outcome | undefined {
  if (status !== 200) return undefined;
  const { before, after } = usual;
  const end = body.length - after.length;
  const isUsual = end > before.length && before.length > 0 && isAt(body, 0, before) && isAt(body, end, after);
  const name = isUsual ? body.toString('latin1', before.length, end) : learnedName(body);
  if (name === undefined || !/^[\w/:%.~-]+$/.test(name)) return undefined;
  return { kind: 'accepted', code: '200', status: 200, providerMessageId: name };
}

/** By hand: a view on the body, or a string of it, costs more than the comparison. */
function isAt(body: Buffer, at: number, part: Buffer): boolean {
  for (let i = 0; i < part.length; i += 1) if (body[at + i] !== part[i]) return false;
  return true;
}

function learnedName(body: Buffer): string | undefined {
  const match = /^(\s*\{\s*"name"\s*:\s*")([^"\\]+)("\s*\}\s*)$/.exec(body.toString('latin1'));
  if (match === null) return undefined;
  usual = { before: Buffer.from(match[1] ?? '', 'latin1'), after: Buffer.from(match[3] ?? '', 'latin1') };
  return match[2];
}

/** What an error body says, read from all of `details`: their order varies. */
interface FcmError {
  status: string | undefined;
  message: string | undefined;
  errorCode: string | undefined;
  fields: readonly string[];
  quotaSubjects: string;
  reason: string | undefined;
}

/**
 * What one answer of `messages:send` means.
 *
 * A 401 without an FcmError becomes `credential_invalid`; trying once with a fresh access token comes before that, in
 * `fcm.auth.ts`. `THIRD_PARTY_AUTH_ERROR` concerns only the iOS or web part of a Firebase project, so it fails the
 * message instead of closing the credential, which would stop Android too.
 *
 * @see https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode (read 2026-11)
 */
export function fcmOutcome(answer: Answer, now: Date): Outcome {
  const body = jsonBody(answer);
  if (answer.status === 200 && body !== undefined) {
    const name = body['name'];
    return { kind: 'accepted', code: '200', status: 200, ...(typeof name === 'string' && { providerMessageId: name }) };
  }
  const error = readError(body);
  const facts = {
    code: error.errorCode ?? error.reason ?? error.status ?? String(answer.status),
    status: answer.status,
    ...withDetail(error.fields.length > 0 ? `${error.message ?? ''} (${error.fields.join(', ')})` : error.message),
  };
  if (answer.status >= 500) return serverOutcome(answer, body !== undefined, facts, now);
  // A 200 that is no FCM answer came from something in between; whether FCM saw the request is unknown.
  if (answer.status < 300) return { kind: 'ambiguous', minimumDelayMs: FCM_MINIMUM_DELAY_MS, ...facts };
  return refusedOutcome(answer, error, facts, now);
}

interface Facts {
  code: string;
  status: number;
  detail?: string;
}

function serverOutcome(answer: Answer, isJson: boolean, facts: Facts, now: Date): Outcome {
  const retryAfterMs = parseRetryAfterMs(answer.headers['retry-after'], now);
  const isGateway = answer.status === 502 || answer.status === 504;
  if (isHtml(answer) || (isGateway && !isJson)) {
    return { kind: 'ambiguous', minimumDelayMs: Math.max(FCM_MINIMUM_DELAY_MS, retryAfterMs ?? 0), ...facts };
  }
  return { kind: 'unavailable', minimumDelayMs: FCM_MINIMUM_DELAY_MS, ...optional(retryAfterMs), ...facts };
}

function refusedOutcome(answer: Answer, error: FcmError, facts: Facts, now: Date): Outcome {
  if (answer.status === 429 || error.errorCode === 'QUOTA_EXCEEDED' || isDeviceRate(error)) {
    const retryAfterMs = parseRetryAfterMs(answer.headers['retry-after'], now);
    return {
      kind: 'throttled',
      scope: isDeviceRate(error) ? 'token' : 'lane',
      minimumDelayMs: retryAfterMs === undefined ? QUOTA_DEFAULT_DELAY_MS : FCM_MINIMUM_DELAY_MS,
      ...optional(retryAfterMs),
      ...facts,
    };
  }
  switch (error.errorCode) {
    case 'UNREGISTERED':
      return { kind: 'token_invalid', ...facts };
    case 'SENDER_ID_MISMATCH':
      return { kind: 'token_refused', ...facts };
    case 'THIRD_PARTY_AUTH_ERROR':
    case 'APNS_AUTH_ERROR':
      return { kind: 'message_invalid', ...facts };
    case 'INVALID_ARGUMENT':
      return { kind: isMalformedToken(error) ? 'token_invalid' : 'message_invalid', ...facts };
  }
  // Without an FcmError, 401, 403 and 404 are about us: project, key, API switched off. Never about the token.
  const isOurs = error.errorCode === undefined && [401, 403, 404].includes(answer.status);
  return { kind: isOurs ? 'credential_invalid' : 'message_invalid', ...facts };
}

function isMalformedToken(error: FcmError): boolean {
  const text = error.message?.trim().replace(/\.$/, '');
  return text === MALFORMED_TOKEN_TEXT || error.fields.some((field) => TARGET_FIELDS.includes(field));
}

/** Per-device limits concern one token; everything else that is out of quota is the whole project. */
function isDeviceRate(error: FcmError): boolean {
  if (/^device_?message_?rate_?exceeded$/i.test(error.errorCode ?? error.message ?? '')) return true;
  return /device|registration/i.test(error.quotaSubjects);
}

function readError(body: Record<string, unknown> | undefined): FcmError {
  const error = isRecord(body?.['error']) ? body['error'] : {};
  const details = Array.isArray(error['details']) ? error['details'].filter(isRecord) : [];
  const every = (type: string) => details.filter((detail) => detail['@type'] === type);
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    status: word(error['status']),
    message: text(error['message']),
    errorCode: every(FCM_ERROR_TYPE)
      .map((detail) => word(detail['errorCode']))
      .find(Boolean),
    reason: every(ERROR_INFO_TYPE)
      .map((detail) => word(detail['reason']))
      .find(Boolean),
    fields: every(BAD_REQUEST_TYPE)
      .flatMap((detail) => list(detail['fieldViolations']))
      .flatMap((violation) => text(violation['field']) ?? []),
    quotaSubjects: every(QUOTA_FAILURE_TYPE)
      .flatMap((detail) => list(detail['violations']))
      .map((violation) => `${text(violation['subject']) ?? ''} ${text(violation['description']) ?? ''}`)
      .join(' '),
  };
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function word(value: unknown): string | undefined {
  return wordOr(value, '') || undefined;
}

function withDetail(message: string | undefined): { detail?: string } {
  const detail = publicDetail(message);
  return detail === undefined ? {} : { detail };
}

function optional(retryAfterMs: number | undefined): { retryAfterMs?: number } {
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

/**
 * What a refused access token means for the deliveries that needed it. None of them was sent.
 *
 * @param answer what the account's `token_uri` said, with any status but a usable 200
 */
export function tokenEndpointOutcome(answer: Answer, now: Date): Outcome {
  const body = jsonBody(answer);
  const facts = {
    code: wordOr(body?.['error'], `token_endpoint_${answer.status}`),
    status: answer.status,
    ...withDetail(typeof body?.['error_description'] === 'string' ? body['error_description'] : undefined),
  };
  const retryAfterMs = parseRetryAfterMs(answer.headers['retry-after'], now);
  if (answer.status === 429) {
    return {
      kind: 'throttled',
      scope: 'lane',
      minimumDelayMs: retryAfterMs === undefined ? QUOTA_DEFAULT_DELAY_MS : FCM_MINIMUM_DELAY_MS,
      ...optional(retryAfterMs),
      ...facts,
    };
  }
  const isTransient = answer.status >= 500 || answer.status === 408 || answer.status < 300;
  return isTransient
    ? { kind: 'unavailable', minimumDelayMs: FCM_MINIMUM_DELAY_MS, ...optional(retryAfterMs), ...facts }
    : { kind: 'credential_invalid', ...facts };
}
