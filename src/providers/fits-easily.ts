import type { Content, Message } from './provider.js';

/** Bytes. More than all names, ids and fixed fields that any provider's request adds to what the caller wrote. */
const ENVELOPE_BYTES = 640;
/** Bytes that one UTF-16 unit takes in JSON at most: \u0001. Also what a further entry of `data` costs beside its text. */
const MAX_UNIT_BYTES = 6;

/**
 * True when a message without overrides is so small that its compiled form cannot pass the limit, so that it need not be
 * compiled to know. JSON is never shorter than the text in it, in no provider's way of counting.
 *
 * @param maxBytes of the provider's whole payload
 */
export function fitsEasily({ content, collapseKey = '', overrides }: Message, maxBytes: number): boolean {
  if (overrides !== undefined) return false;
  const left = maxBytes - ENVELOPE_BYTES - Buffer.byteLength(collapseKey) * 2;
  return unitsOf(content) * MAX_UNIT_BYTES <= left || Buffer.byteLength(JSON.stringify(content)) <= left;
}

function unitsOf({ title = '', body = '', imageUrl = '', clickUrl = '', sound = '', data }: Content): number {
  let units = title.length + body.length + imageUrl.length + clickUrl.length + sound.length;
  for (const key in data) units += key.length + (data[key]?.length ?? 0) + 1;
  return units;
}
