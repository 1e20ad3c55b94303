import type { Message } from './provider.js';

/** Bytes. More than all names, ids and fixed fields that any provider's request adds to what the caller wrote. */
const ENVELOPE_BYTES = 640;

/**
 * True when a message without overrides is so small that its compiled form cannot pass the limit, so that it need not be
 * compiled to know. JSON is never shorter than the text in it, in no provider's way of counting.
 *
 * @param maxBytes of the provider's whole payload
 */
export function fitsEasily({ content, collapseKey, overrides }: Message, maxBytes: number): boolean {
  if (overrides !== undefined) return false;
  const written = Buffer.byteLength(JSON.stringify(content)) + Buffer.byteLength(collapseKey ?? '') * 2;
  return written + ENVELOPE_BYTES <= maxBytes;
}
