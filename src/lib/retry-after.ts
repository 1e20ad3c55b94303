/** Milliseconds. What a peer may ask for at most; more is taken as a mistake. */
export const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/**
 * What a `Retry-After` header asks for.
 *
 * @param header delay in seconds, or an HTTP date; anything else counts as absent
 * @returns milliseconds from `now`, clamped to 0…24 h, or `undefined` when the header is absent or unusable
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function parseRetryAfterMs(header: string | undefined, now: Date): number | undefined {
  const value = header?.trim();
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1000, MAX_RETRY_AFTER_MS);
  // Date.parse also takes "-5" and "1.5"; an HTTP date starts with the name of a day.
  if (!/^[A-Z][a-z]{2}/.test(value)) return undefined;
  const at = Date.parse(value);
  if (Number.isNaN(at)) return undefined;
  return Math.min(Math.max(at - now.getTime(), 0), MAX_RETRY_AFTER_MS);
}
