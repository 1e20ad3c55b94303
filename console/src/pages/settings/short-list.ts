/** Pixels. */
const ROW_HEIGHT = 32;
/** Pixels of the borders above and below. */
const BORDERS = 2;
const LEAST_ROWS = 2;

/** The height of a list that is short as a rule and stands between other things: what it needs, as far as `most` rows. */
export function heightOf(count: number, most = 12): string {
  return `${(1 + Math.min(Math.max(count, LEAST_ROWS), most)) * ROW_HEIGHT + BORDERS}px`;
}
