import { STATUS_CODES } from 'node:http';
import { DomainError, type DomainErrorKind, type Problem } from '../lib/errors.js';

/** An error answer in the form of RFC 9457. `code` is stable; `title` and `detail` are for people. */
export interface ProblemDocument {
  type: 'about:blank';
  title: string;
  status: number;
  code: string;
  detail: string;
  requestId: string;
  errors?: readonly Problem[];
}

export interface ProblemAnswer {
  headers: Readonly<Record<string, string>>;
  document: ProblemDocument;
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

const STATUS_OF_KIND: Readonly<Record<DomainErrorKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  unprocessable: 422,
  limited: 429,
  unavailable: 503,
};

const DEFAULT_RETRY_AFTER_SECONDS = 1;

/** What HTTP itself refuses, before or beside any of our rules. */
const TRANSPORT_PROBLEMS: Readonly<Record<number, { code: string; detail: string }>> = {
  400: { code: 'malformed_request', detail: 'The request cannot be read.' },
  401: { code: 'unauthorized', detail: 'A valid API key is needed.' },
  404: { code: 'route_not_found', detail: 'There is nothing at this path.' },
  405: { code: 'method_not_allowed', detail: 'This path does not know that method.' },
  408: { code: 'request_timeout', detail: 'The request took too long to arrive.' },
  413: { code: 'body_too_large', detail: 'The body is larger than this service takes.' },
  414: { code: 'url_too_long', detail: 'The URL is longer than this service takes.' },
  415: { code: 'unsupported_media_type', detail: 'This operation does not take a body of that media type.' },
  417: { code: 'expectation_failed', detail: 'This service knows no expectation but 100-continue.' },
  431: { code: 'headers_too_large', detail: 'The headers are larger than this service takes.' },
  503: { code: 'unavailable', detail: 'The service cannot answer right now.' },
};

/** SQLSTATEs and socket errors that mean "the database is away", not "the statement is wrong". */
const DATABASE_AWAY =
  /^(08...|57P0[1234]|53...|3D000|25006|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE)$/;
const DATABASE_AWAY_MESSAGE = /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered)/;

/** One refused request in the form in which it is answered. */
export function problemOf(
  status: number,
  code: string,
  detail: string,
  requestId: string,
  problems: readonly Problem[] = [],
): ProblemDocument {
  const document: ProblemDocument = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail,
    requestId,
  };
  return problems.length === 0 ? document : { ...document, errors: problems };
}

/** What HTTP itself refuses, by status. `detail` replaces the general sentence. */
export function transportProblem(status: number, requestId: string, detail?: string): ProblemAnswer {
  const known = TRANSPORT_PROBLEMS[status] ?? { code: `http_${status}`, detail: STATUS_CODES[status] ?? 'Error' };
  return { headers: {}, document: problemOf(status, known.code, detail ?? known.detail, requestId) };
}

export function domainProblem(error: DomainError, requestId: string): ProblemAnswer {
  const status = STATUS_OF_KIND[error.kind];
  const headers: Record<string, string> = {};
  if (error.kind === 'unauthorized') headers['www-authenticate'] = 'Bearer realm="carillon"';
  const retryAfterSeconds =
    error.retryAfterSeconds ?? (status === 429 || status === 503 ? DEFAULT_RETRY_AFTER_SECONDS : undefined);
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterSeconds)));
  return { headers, document: problemOf(status, error.code, error.message, requestId, error.problems) };
}

/** True for a lost or refused database connection, whoever wrapped it. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.some(isDatabaseAway)) return true;
  const code = 'code' in error ? String(error.code) : '';
  return DATABASE_AWAY.test(code) || DATABASE_AWAY_MESSAGE.test(error.message);
}

/** The bare answer to a bug, which tells nothing about it but where to look. */
export function bugProblem(requestId: string): ProblemAnswer {
  const detail = 'Something went wrong on our side; the log has it under this request id.';
  return { headers: {}, document: problemOf(500, 'internal_error', detail, requestId) };
}
