const EMPTY = 0;
const START_SLOTS = 4096;

/**
 * Counts how often each of millions of strings was seen, in 12 bytes each: open addressing over a 64-bit
 * fingerprint. Two strings share one with a chance of about 3 in 10^8 among a million.
 */
export class FingerprintCounter {
  private low = new Uint32Array(START_SLOTS);
  private high = new Uint32Array(START_SLOTS);
  private counts = new Uint32Array(START_SLOTS);
  private used = 0;

  /** How many different strings were seen. */
  get distinct(): number {
    return this.used;
  }

  /** @returns how often this string was seen by now, this time included */
  add(text: string): number {
    let low = 0x811c9dc5;
    let high = 0x9747b28c;
    for (let index = 0; index < text.length; index += 1) {
      const unit = text.charCodeAt(index);
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high ^ unit, 0x85ebca6b);
      high = (high << 13) | (high >>> 19);
    }
    low = avalanche(low ^ text.length);
    high = avalanche(high ^ low);
    if (this.used * 2 >= this.low.length) this.grow();
    const slot = this.find(low, high);
    if (this.counts[slot] === EMPTY) {
      this.low[slot] = low;
      this.high[slot] = high;
      this.used += 1;
    }
    const count = (this.counts[slot] ?? 0) + 1;
    this.counts[slot] = count;
    return count;
  }

  clear(): void {
    this.low = new Uint32Array(START_SLOTS);
    this.high = new Uint32Array(START_SLOTS);
    this.counts = new Uint32Array(START_SLOTS);
    this.used = 0;
  }

  private find(low: number, high: number): number {
    const mask = this.low.length - 1;
    let slot = low & mask;
    while (this.counts[slot] !== EMPTY && (this.low[slot] !== low || this.high[slot] !== high))
      slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const { low, high, counts } = this;
    this.low = new Uint32Array(low.length * 2);
    this.high = new Uint32Array(low.length * 2);
    this.counts = new Uint32Array(low.length * 2);
    for (let old = 0; old < low.length; old += 1) {
      if (counts[old] === EMPTY) continue;
      const slot = this.find(low[old] ?? 0, high[old] ?? 0);
      this.low[slot] = low[old] ?? 0;
      this.high[slot] = high[old] ?? 0;
      this.counts[slot] = counts[old] ?? 0;
    }
  }
}

/** Murmur3's finaliser, unsigned: every input bit reaches every output bit. */
function avalanche(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
