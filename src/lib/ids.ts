import { randomUUID } from 'node:crypto';

/** The last millisecond that 48 bits can hold, in the year 10889. */
const MAX_TIME_MS = 2 ** 48 - 1;

/** Hex digits of a UUID with its dashes put in. */
function dashed(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/**
 * UUID version 7: 48 bits of milliseconds, then random. Sorts by time, so a day of ids is a range.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9562#section-5.7
 */
export function uuidV7(at: Date): string {
  const time = at.getTime().toString(16).padStart(12, '0');
  // Node keeps random UUIDs in stock. Version 4 has its variant and its randomness in the same places.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** The smallest UUID v7 of a moment, or of the nearest that one can hold: the bound of a partition or of a time range over ids. */
export function uuidV7Floor(at: Date): string {
  const ms = Math.min(Math.max(at.getTime(), 0), MAX_TIME_MS);
  return dashed(`${ms.toString(16).padStart(12, '0')}${'0'.repeat(20)}`);
}

/** When a UUID v7 was made. */
export function uuidV7Time(id: string): Date {
  return new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16));
}

/** The smallest and the largest of some ids: bounds that let SQL leave out the partitions of other days. `ids` must not be empty. */
export function idRange(ids: readonly string[]): [least: string, greatest: string] {
  let least = ids[0] ?? '';
  let greatest = least;
  for (const id of ids) {
    if (id < least) least = id;
    if (id > greatest) greatest = id;
  }
  return [least, greatest];
}
