import type { Problem } from '../lib/errors.js';

/** Levels of nesting. Far above any real request, far below what a recursive reader of the value could not survive. */
const MAX_DEPTH = 64;
const MAX_PROBLEMS = 20;

/**
 * What in a parsed value cannot be stored or passed on unchanged: U+0000 (Postgres has no such text), half a surrogate
 * pair (not Unicode), numbers that JSON cannot hold, and nesting that would exhaust a stack.
 *
 * @param prefix put before each path, such as `query`
 */
export function unstorableParts(value: unknown, prefix = ''): Problem[] {
  return isStorable(value, 0) ? [] : findUnstorable(value, prefix);
}

/** The same question without the places: nearly every request is fine, and is told so without a single object made. */
function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return wrongText(value) === undefined;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isStorable(item, depth + 1));
  for (const key in value) {
    if (wrongText(key) !== undefined || !isStorable(Reflect.get(value, key), depth + 1)) return false;
  }
  return true;
}

function findUnstorable(value: unknown, prefix: string): Problem[] {
  const problems: Problem[] = [];
  const pending: { value: unknown; path: string; depth: number }[] = [{ value, path: prefix, depth: 0 }];
  for (let next = pending.pop(); next && problems.length < MAX_PROBLEMS; next = pending.pop()) {
    const { value: current, path, depth } = next;
    if (typeof current === 'string') {
      const message = wrongText(current);
      if (message) problems.push({ path, message });
    } else if (typeof current === 'number') {
      if (!Number.isFinite(current)) problems.push({ path, message: 'is too large a number' });
    } else if (typeof current === 'object' && current !== null) {
      if (depth >= MAX_DEPTH) {
        problems.push({ path, message: `is nested more than ${MAX_DEPTH} levels deep` });
        continue;
      }
      const isArray = Array.isArray(current);
      for (const [key, child] of Object.entries(current)) {
        const message = isArray ? undefined : wrongText(key);
        if (message) problems.push({ path, message: `has a field name that ${message}` });
        if (child !== null && typeof child !== 'boolean') {
          pending.push({ value: child, path: path ? `${path}.${key}` : key, depth: depth + 1 });
        }
      }
    }
  }
  return problems.map((problem) => ({ ...problem, path: problem.path.toWellFormed().replaceAll('\0', '\u{FFFD}') }));
}

function wrongText(text: string): string | undefined {
  if (text.includes('\0')) return 'contains the character U+0000';
  if (!text.isWellFormed()) return 'contains half a surrogate pair';
  return undefined;
}
