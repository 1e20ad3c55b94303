import type { Problem } from '../../lib/errors.js';
import { isRecord } from '../answer.js';
import { unknownKeys } from '../overrides.js';
import { NOTIFICATION_ID_KEY } from '../reserved-data.js';

/** Seconds. firebase.google.com "Lifespan of a message", read 2026-11. */
export const FCM_MAX_TTL_SECONDS = 2_419_200;
/** Data keys that FCM keeps for itself. */
export const FCM_RESERVED_DATA_KEY = /^(from|message_type|gcm.*|google.*)$/;
const TARGETS = ['token', 'topic', 'condition', 'fid'];
const MESSAGE_FIELDS = ['data', 'notification', 'android', 'apns', 'webpush', 'fcm_options'];
/** Below these, names are the caller's own and must not be changed. */
const FREE_FORM = new Set(['data', 'headers', 'payload']);

/**
 * A message with REST's snake_case names. FCM takes both spellings, but two spellings of one field cannot be merged.
 * Free-form parts (`data`, `headers`, APNs `payload`, Web Push `notification`) are left alone.
 */
export function toRestNames(value: Record<string, unknown>, parent = ''): Record<string, unknown> {
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const isFree = FREE_FORM.has(name) || (parent === 'webpush' && name === 'notification');
    return [name, isRecord(item) && !isFree ? toRestNames(item, name) : item];
  });
  return Object.fromEntries(entries);
}

/** The value when it is an object, else an empty one. */
export function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

/** What is wrong with `overrides.fcm`, by field. */
export function fcmOverrideProblems(overrides: Record<string, unknown>): Problem[] {
  const path = 'overrides.fcm';
  const problems: Problem[] = TARGETS.filter((name) => name in overrides).map((name) => ({
    path: `${path}.${name}`,
    message: 'refused: the audience decides who receives it',
  }));
  const rest = toRestNames(Object.fromEntries(Object.entries(overrides).filter(([key]) => !TARGETS.includes(key))));
  problems.push(...unknownKeys(rest, MESSAGE_FIELDS, path));
  for (const part of ['data', 'notification', 'android', 'apns', 'webpush', 'fcm_options']) {
    const value = rest[part];
    if (value !== undefined && value !== null && !isRecord(value)) {
      problems.push({ path: `${path}.${part}`, message: 'must be an object' });
    }
  }
  for (const [owner, data] of [
    [path, rest['data']],
    [`${path}.android`, recordOf(rest['android'])['data']],
    [`${path}.webpush`, recordOf(rest['webpush'])['data']],
  ] as const) {
    problems.push(...overrideDataProblems(recordOf(data), `${owner}.data`));
  }
  problems.push(...headerProblems(recordOf(recordOf(rest['apns'])['headers']), `${path}.apns.headers`));
  problems.push(...headerProblems(recordOf(recordOf(rest['webpush'])['headers']), `${path}.webpush.headers`));
  problems.push(...ttlProblems(rest, path));
  return problems;
}

function overrideDataProblems(data: Record<string, unknown>, path: string): Problem[] {
  return Object.entries(data).flatMap(([key, value]) => {
    const at = `${path}.${key}`;
    if (key === NOTIFICATION_ID_KEY) return [{ path: at, message: 'reserved: Carillon sets it' }];
    if (FCM_RESERVED_DATA_KEY.test(key)) return [{ path: at, message: 'FCM reserves this key' }];
    return value === null || typeof value === 'string' ? [] : [{ path: at, message: 'must be a string' }];
  });
}

function headerProblems(headers: Record<string, unknown>, path: string): Problem[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === null || typeof value === 'string' ? [] : [{ path: `${path}.${name}`, message: 'must be a string' }],
  );
}

function ttlProblems(rest: Record<string, unknown>, path: string): Problem[] {
  const problems: Problem[] = [];
  const android = recordOf(rest['android'])['ttl'];
  const isDuration = typeof android === 'string' && /^\d{1,7}(\.\d{1,9})?s$/.test(android);
  if (android !== undefined && !(isDuration && Number.parseFloat(android) <= FCM_MAX_TTL_SECONDS)) {
    problems.push({
      path: `${path}.android.ttl`,
      message: `must be a duration such as "3600s", at most ${FCM_MAX_TTL_SECONDS}s`,
    });
  }
  const wholeNumber = (value: unknown) =>
    value === undefined || (typeof value === 'string' && /^\d{1,10}$/.test(value));
  if (!wholeNumber(recordOf(recordOf(rest['webpush'])['headers'])['TTL'])) {
    problems.push({ path: `${path}.webpush.headers.TTL`, message: 'must be whole seconds as a string' });
  }
  if (!wholeNumber(recordOf(recordOf(rest['apns'])['headers'])['apns-expiration'])) {
    problems.push({ path: `${path}.apns.headers.apns-expiration`, message: 'must be UNIX seconds as a string' });
  }
  return problems;
}
