import type { Problem } from '../lib/errors.js';
import { isRecord } from './answer.js';

/**
 * Merges what the caller wants otherwise into a compiled request. Objects merge, everything else replaces, `null` removes.
 * Neither argument is changed.
 */
export function deepMerge(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const present = merged[key];
    if (value === null) delete merged[key];
    else if (isRecord(value)) define(merged, key, deepMerge(isRecord(present) ? present : {}, value));
    else define(merged, key, value);
  }
  return merged;
}

/** A plain assignment to `__proto__` would change the prototype instead of adding a key. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/** `overrides` for one provider as an object; anything else is a problem. */
export function overridesOf(overrides: unknown, path: string): { value: Record<string, unknown>; problems: Problem[] } {
  if (overrides === undefined || overrides === null) return { value: {}, problems: [] };
  if (isRecord(overrides)) return { value: overrides, problems: [] };
  return { value: {}, problems: [{ path, message: 'must be an object' }] };
}

/** One problem for each key that is not among the known ones. */
export function unknownKeys(given: Record<string, unknown>, known: readonly string[], path: string): Problem[] {
  return Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      message: `unknown field; known are ${known.join(', ')}`,
    }));
}

/** A header value that may go on the wire: printable ASCII without line breaks. */
export function isHeaderValue(value: unknown): value is string {
  return typeof value === 'string' && /^[\x20-\x7e]{1,1024}$/.test(value);
}

/** What is wrong with the shape of `{ headers, payload }`, the overrides of providers that are spoken to in HTTP headers. */
export function shapeProblems(overrides: Record<string, unknown>, path: string): Problem[] {
  const problems = unknownKeys(overrides, ['headers', 'payload'], path);
  for (const part of ['headers', 'payload']) {
    if (overrides[part] !== undefined && !isRecord(overrides[part])) {
      problems.push({ path: `${path}.${part}`, message: 'must be an object' });
    }
  }
  return problems;
}

/** The `headers` of such overrides, with lower-case names and values as text. */
export function headerOverrides(overrides: Record<string, unknown>): Record<string, string> {
  const headers = isRecord(overrides['headers']) ? overrides['headers'] : {};
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}
