import type { Reply } from './exchange.js';
import type { Random } from './random.js';
import type { Failure } from './service.js';

const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';
const QUOTA_FAILURE = 'type.googleapis.com/google.rpc.QuotaFailure';
const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';

export const JSON_HEADERS = { 'content-type': 'application/json; charset=UTF-8' } as const;

export const INVALID_TOKEN_MESSAGE = 'The registration token is not a valid FCM registration token';
const OAUTH_MESSAGE =
  'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid ' +
  'authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.';

type Detail = Record<string, unknown>;

interface Word {
  status: number;
  canonical: string;
  message: string;
  details: readonly Detail[];
  headers?: Readonly<Record<string, string>>;
}

const fcmError = (errorCode: string): Detail => ({ '@type': FCM_ERROR, errorCode });
const badRequest = (field: string, description: string): Detail => ({
  '@type': BAD_REQUEST,
  fieldViolations: [{ field, description }],
});
const errorInfo = (reason: string): Detail => ({
  '@type': ERROR_INFO,
  reason,
  domain: 'googleapis.com',
  metadata: { service: 'fcm.googleapis.com' },
});
const quotaFailure = (subject: string, description: string): Detail => ({
  '@type': QUOTA_FAILURE,
  violations: [{ subject, description }],
});

/** Every reason that a rule or a target may name, and what FCM says then. */
const WORDS: Readonly<Record<string, Word>> = {
  MALFORMED_TOKEN: {
    status: 400,
    canonical: 'INVALID_ARGUMENT',
    message: INVALID_TOKEN_MESSAGE,
    details: [fcmError('INVALID_ARGUMENT')],
  },
  MALFORMED_TOKEN_FIELD: {
    status: 400,
    canonical: 'INVALID_ARGUMENT',
    message: 'Request contains an invalid argument.',
    details: [fcmError('INVALID_ARGUMENT'), badRequest('message.token', 'Invalid registration token')],
  },
  INVALID_ARGUMENT: {
    status: 400,
    canonical: 'INVALID_ARGUMENT',
    message: 'Request contains an invalid argument.',
    details: [fcmError('INVALID_ARGUMENT')],
  },
  INVALID_ARGUMENT_FIELD: {
    status: 400,
    canonical: 'INVALID_ARGUMENT',
    message: 'Request contains an invalid argument.',
    details: [fcmError('INVALID_ARGUMENT'), badRequest('message.data[0].value', 'Invalid value')],
  },
  TOO_BIG: { status: 400, canonical: 'INVALID_ARGUMENT', message: 'Android message is too big', details: [] },
  UNAUTHENTICATED: {
    status: 401,
    canonical: 'UNAUTHENTICATED',
    message: OAUTH_MESSAGE,
    details: [errorInfo('ACCESS_TOKEN_EXPIRED')],
    headers: { 'www-authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"' },
  },
  THIRD_PARTY_AUTH_ERROR: {
    status: 401,
    canonical: 'UNAUTHENTICATED',
    message: OAUTH_MESSAGE,
    details: [fcmError('THIRD_PARTY_AUTH_ERROR')],
  },
  APNS_AUTH_ERROR: {
    status: 401,
    canonical: 'UNAUTHENTICATED',
    message: OAUTH_MESSAGE,
    details: [fcmError('APNS_AUTH_ERROR')],
  },
  SENDER_ID_MISMATCH: {
    status: 403,
    canonical: 'PERMISSION_DENIED',
    message: 'SenderId mismatch',
    details: [fcmError('SENDER_ID_MISMATCH')],
  },
  PERMISSION_DENIED: {
    status: 403,
    canonical: 'PERMISSION_DENIED',
    message: "Permission 'cloudmessaging.messages.create' denied on resource (or it may not exist).",
    details: [errorInfo('IAM_PERMISSION_DENIED')],
  },
  SERVICE_DISABLED: {
    status: 403,
    canonical: 'PERMISSION_DENIED',
    message: 'Firebase Cloud Messaging API has not been used in this project before or it is disabled.',
    details: [errorInfo('SERVICE_DISABLED')],
  },
  UNREGISTERED: {
    status: 404,
    canonical: 'NOT_FOUND',
    message: 'Requested entity was not found.',
    details: [fcmError('UNREGISTERED')],
  },
  NOT_FOUND: { status: 404, canonical: 'NOT_FOUND', message: 'Requested entity was not found.', details: [] },
  QUOTA_EXCEEDED: {
    status: 429,
    canonical: 'RESOURCE_EXHAUSTED',
    message: "Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute'.",
    details: [fcmError('QUOTA_EXCEEDED'), quotaFailure('project', 'Message rate exceeded.')],
  },
  DEVICE_QUOTA_EXCEEDED: {
    status: 429,
    canonical: 'RESOURCE_EXHAUSTED',
    message: 'Device message rate exceeded.',
    details: [fcmError('QUOTA_EXCEEDED'), quotaFailure('device', 'Device message rate exceeded.')],
  },
  TOPIC_QUOTA_EXCEEDED: {
    status: 429,
    canonical: 'RESOURCE_EXHAUSTED',
    message: 'Topic message rate exceeded.',
    details: [fcmError('QUOTA_EXCEEDED'), quotaFailure('topic', 'Topic message rate exceeded.')],
  },
  INTERNAL: {
    status: 500,
    canonical: 'INTERNAL',
    message: 'Internal error encountered.',
    details: [fcmError('INTERNAL')],
  },
  UNAVAILABLE: {
    status: 503,
    canonical: 'UNAVAILABLE',
    message: 'The service is currently unavailable.',
    details: [fcmError('UNAVAILABLE')],
  },
};

const USUAL: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNREGISTERED',
  429: 'QUOTA_EXCEEDED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
};

/** FCM's answer for a failure; a reason it does not know becomes an FcmError of that name. */
export function fcmFailure(failure: Failure, random: Random): Reply {
  const reason = failure.reason ?? USUAL[failure.status] ?? 'UNSPECIFIED_ERROR';
  const word = Object.hasOwn(WORDS, reason) ? WORDS[reason] : undefined;
  const said = word ?? {
    status: failure.status,
    canonical: 'UNKNOWN',
    message: 'Unknown error.',
    details: [fcmError(reason)],
  };
  return {
    status: failure.status,
    headers: { ...JSON_HEADERS, ...word?.headers, ...failure.headers },
    body: failure.body ?? errorBody({ ...said, status: failure.status }, random),
  };
}

/**
 * A refused field: BadRequest always, FcmError too where FCM itself (and not the JSON layer before it) found the fault.
 */
export function fcmFieldError(field: string, description: string, isFcmError: boolean, random: Random): Reply {
  const details = [badRequest(field, description)];
  if (isFcmError) details.push(fcmError('INVALID_ARGUMENT'));
  const word = { status: 400, canonical: 'INVALID_ARGUMENT', message: description, details };
  return { status: 400, headers: JSON_HEADERS, body: errorBody(word, random) };
}

/** The order of `details` is not promised, so it is shuffled. */
function errorBody(word: Word, random: Random): string {
  const { status: code, message, canonical: status } = word;
  const error = { code, message, status };
  const details = word.details.length > 1 ? random.shuffle(word.details) : word.details;
  return JSON.stringify({ error: details.length > 0 ? { ...error, details } : error }, null, 2);
}
