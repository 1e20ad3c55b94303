import type { ByteWriter } from './byte-writer.js';

/**
 * Bits of the code of each byte value and, last, of EOS: `a` is 5, `z` is 30. The code is canonical, so the lengths say
 * it all: codes of one length count up in the order of their values.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7541#appendix-B
 */
const LENGTHS =
  'isxxxxxxxtzxxzxxxxxxxxzxxxxxxxxxbffhibdgffdgdbbbaaabbbbbbbcdkbhfibcccccccccccccccccccc' +
  'ccdcdioijbkabababbbaccbbbabcbaabccccckgjixprpprrrsrssssststtrstssssqrsrsstrqprrssqsrrt' +
  'qrssqqrqsrssprrrsrrsvvporsruvvvwwvtuoqvwwvwtqqvvxwwwptpqrqqsrruuttvsvwvvwwwwwxwwwwwvz';
const EOS = 256;
const SHORTEST_BITS = 5;
const LONGEST_BITS = 30;

const codeBits = Uint8Array.from(LENGTHS, (letter) => letter.charCodeAt(0) - 'a'.charCodeAt(0) + SHORTEST_BITS);
const codes = assignCodes();

function assignCodes(): Uint32Array {
  const assigned = new Uint32Array(EOS + 1);
  let code = 0;
  for (let bits = SHORTEST_BITS; bits <= LONGEST_BITS; bits += 1) {
    for (let symbol = 0; symbol <= EOS; symbol += 1) {
      if (codeBits[symbol] !== bits) continue;
      assigned[symbol] = code;
      code += 1;
    }
    code *= 2;
  }
  return assigned;
}

/**
 * The decoder as a state machine that eats four bits at a time. A state is an inner node of the code's tree; an entry is
 * `next state | symbol << 9 | HAS_SYMBOL`, or FAILURE.
 */
const HAS_SYMBOL = 1 << 17;
const FAILURE = 1 << 18;
const STATE_MASK = 0x1ff;
const { transitions, isFinal } = buildMachine();

function buildTree(): number[][] {
  // A child is the number of an inner node, or ~symbol.
  const tree: number[][] = [[0, 0]];
  for (let symbol = 0; symbol <= EOS; symbol += 1) {
    const bits = codeBits[symbol] ?? 0;
    const code = codes[symbol] ?? 0;
    let node = 0;
    for (let bit = bits - 1; bit >= 0; bit -= 1) {
      const children = tree[node] ?? [];
      const side = (code >>> bit) & 1;
      if (bit === 0) children[side] = ~symbol;
      else if (children[side] === 0) children[side] = tree.push([0, 0]) - 1;
      node = children[side] ?? 0;
    }
  }
  return tree;
}

function buildMachine(): { transitions: Int32Array; isFinal: Uint8Array } {
  const tree = buildTree();
  const table = new Int32Array(tree.length * 16);
  for (let index = 0; index < table.length; index += 1) table[index] = transition(tree, index >> 4, index & 15);
  const final = new Uint8Array(tree.length);
  // Padding is the beginning of EOS, all ones, and shorter than a byte.
  for (let depth = 0, node = 0; depth < 8; depth += 1) {
    final[node] = 1;
    node = tree[node]?.[1] ?? 0;
  }
  return { transitions: table, isFinal: final };
}

function transition(tree: readonly number[][], from: number, nibble: number): number {
  let node = from;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit -= 1) {
    node = tree[node]?.[(nibble >>> bit) & 1] ?? 0;
    if (node >= 0) continue;
    if (~node === EOS) return FAILURE;
    emitted = HAS_SYMBOL | (~node << 9);
    node = 0;
  }
  return node | emitted;
}

let scratch = Buffer.allocUnsafeSlow(1_024);

/**
 * What `source` holds from `start` to `end`, one character for each byte.
 *
 * @returns `undefined` when it holds EOS or its padding is wrong
 */
export function huffmanDecode(source: Buffer, start: number, end: number): string | undefined {
  const mostBytes = Math.ceil(((end - start) * 8) / SHORTEST_BITS);
  if (scratch.length < mostBytes) scratch = Buffer.allocUnsafeSlow(mostBytes * 2);
  const out = scratch;
  let written = 0;
  let state = 0;
  for (let at = start; at < end; at += 1) {
    const byte = source[at] ?? 0;
    const high = transitions[(state << 4) | (byte >>> 4)] ?? FAILURE;
    if ((high & HAS_SYMBOL) !== 0) {
      out[written] = high >>> 9;
      written += 1;
    }
    const low = transitions[((high & STATE_MASK) << 4) | (byte & 15)] ?? FAILURE;
    if ((low & HAS_SYMBOL) !== 0) {
      out[written] = low >>> 9;
      written += 1;
    }
    if (((high | low) & FAILURE) !== 0) return undefined;
    state = low & STATE_MASK;
  }
  return isFinal[state] === 1 ? out.toString('latin1', 0, written) : undefined;
}

/** Bytes that {@link huffmanEncode} needs for a text of characters below 256. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let index = 0; index < text.length; index += 1) bits += codeBits[text.charCodeAt(index) & 0xff] ?? 0;
  return (bits + 7) >>> 3;
}

/** Writes the code of a text; room for it must be there. */
export function huffmanEncode(text: string, out: ByteWriter): void {
  let pending = 0;
  let pendingBits = 0;
  for (let index = 0; index < text.length; index += 1) {
    const symbol = text.charCodeAt(index) & 0xff;
    const bits = codeBits[symbol] ?? 0;
    const code = codes[symbol] ?? 0;
    for (let left = bits; left > 0; ) {
      const taken = Math.min(left, 8 - pendingBits);
      left -= taken;
      pending = (pending << taken) | ((code >>> left) & ((1 << taken) - 1));
      pendingBits += taken;
      if (pendingBits < 8) continue;
      out.byte(pending);
      pending = 0;
      pendingBits = 0;
    }
  }
  if (pendingBits > 0) out.byte(((pending + 1) << (8 - pendingBits)) - 1);
}
