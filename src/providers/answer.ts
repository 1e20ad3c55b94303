import type { TransportResult } from '../transport/transport.js';
import type { Outcome } from './provider.js';

/** What a provider answered, as far as an outcome depends on it. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

/** Bytes of provider text that a delivery's log keeps. */
const MAX_DETAIL_BYTES = 500;

/** Whether a value is a JSON object, arrays excluded. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The body as a JSON object; undefined for anything else, HTML pages of a proxy included. */
export function jsonBody(answer: Answer): Record<string, unknown> | undefined {
  if (answer.body.length === 0) return undefined;
  try {
    const parsed: unknown = JSON.parse(answer.body.toString('utf8'));
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a proxy answered with its own page, so that nobody knows what the provider behind it did. */
export function isHtml(answer: Answer): boolean {
  if ((answer.headers['content-type'] ?? '').toLowerCase().includes('html')) return true;
  return answer.body.subarray(0, 64).toString('latin1').trimStart().startsWith('<');
}

/**
 * Provider text that may be stored and shown: at most 500 bytes, one line, without addresses of any kind.
 * Tokens are long runs of one alphabet, which no sentence of a provider has; endpoints are URLs.
 *
 * @returns undefined when nothing is left
 */
export function publicDetail(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  const clean = text
    .slice(0, 4 * MAX_DETAIL_BYTES)
    .replace(/[a-z][a-z0-9+.-]*:\/\/\S+/gi, '<url>')
    .replace(/[\w=+~.:%/-]{40,}/g, '<redacted>')
    .replace(/\b[\w+=-]{24,}\b/g, (run) => (/^[A-Z_]+$|^[A-Za-z]+$/.test(run) ? run : '<redacted>'))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach a log line
    .replace(/[\u0000-\u001f\u007f\s]+/g, ' ')
    .trim();
  if (clean === '') return undefined;
  if (Buffer.byteLength(clean) <= MAX_DETAIL_BYTES) return clean;
  // Cutting inside a character leaves U+FFFD at the end.
  return Buffer.from(clean)
    .subarray(0, MAX_DETAIL_BYTES)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}

/**
 * A code that is safe as a metric label and in a table: the provider's word, or the fallback when it is not one word, or
 * looks like an address.
 */
export function wordOr(value: unknown, fallback: string): string {
  const isWord = typeof value === 'string' && /^[A-Za-z][\w.-]{0,63}$/.test(value);
  return isWord && publicDetail(value) === value ? value : fallback;
}

/** Characters. What is shorter is no secret, and may be part of any sentence. */
const MIN_TOKEN_PART = 8;

/**
 * The same outcome without anything that the provider repeated of the token it was sent to: texts and codes are stored,
 * shown and counted, and a push service can be anybody's.
 *
 * @param parts of the token, each of which is secret; asked for only when there is something to look through
 */
export function withoutToken(outcome: Outcome, parts: () => readonly string[]): Outcome {
  const { code, detail } = outcome;
  if (detail === undefined && /^\d+$/.test(code)) return outcome;
  const secrets = parts().filter((part) => part.length >= MIN_TOKEN_PART);
  const isRepeated = (text: string) => secrets.some((secret) => text.includes(secret));
  const clean = { ...outcome };
  if (isRepeated(code)) clean.code = String(outcome.status ?? outcome.kind);
  if (detail !== undefined && isRepeated(detail)) {
    clean.detail = secrets.reduce((text, secret) => text.replaceAll(secret, '<redacted>'), detail);
  }
  return clean;
}

/**
 * The outcome of a request that got no answer.
 *
 * @param minimumDelayMs what the provider's documentation asks for before a request is repeated
 */
export function unansweredOutcome(
  result: Exclude<TransportResult, { kind: 'response' }>,
  minimumDelayMs: number,
): Outcome {
  const code = wordOr(result.reason, result.kind);
  const detail = publicDetail(result.reason);
  const facts = detail === undefined || detail === code ? { code } : { code, detail };
  return result.kind === 'not_processed'
    ? { kind: 'not_processed', ...facts }
    : { kind: 'ambiguous', minimumDelayMs, ...facts };
}
