import { z } from 'zod';
import { DomainError } from '../lib/errors.js';

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 1_000;

/** The query fields of every list; spread them into the route's `query` object. */
export const pageQuery = {
  cursor: z.string().max(1_024).optional().describe('`nextCursor` of the page before'),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).default(DEFAULT_PAGE_SIZE),
};

/** One page of a list. `nextCursor` is null on the last one. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** The answer schema of a list, for `responses`. */
export function pageOf(item: z.ZodType) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/**
 * Cuts a page out of rows that were read with `limit + 1`.
 *
 * @param keyOf what the next page continues after: the sort key of a row, unique
 * @param show  the row as the API shows it
 */
export function makePage<Row, T>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly (string | number)[],
  show: (row: Row) => T,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null;
  return { items: shown.map(show), nextCursor };
}

/** An opaque, URL-safe form of a sort key. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * The sort key that a cursor holds.
 *
 * @param schema a tuple: what {@link encodeCursor} was given for this list
 * @throws DomainError `invalid_request` when the cursor does not come from this list
 */
export function decodeCursor<T extends z.ZodTuple>(cursor: string, schema: T): z.infer<T> {
  const parsed = schema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
  if (parsed.success) return parsed.data;
  const message = 'is not a cursor of this list';
  throw new DomainError('invalid', 'invalid_request', `query.cursor: ${message}`, [{ path: 'query.cursor', message }]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
