import { expect, it } from 'vitest';
import { frame } from './transport-wire-peer.js';
import { CONVERSATIONS, Replay } from './transport-wire-replay.js';

/** Another one looks at other corruptions; each failure names its own. */
const FIRST_SEED = Number(process.env['WIRE_SEED'] ?? 1);
const CORRUPTIONS = 100_000;
/** Milliseconds. No conversation of a few kilobytes may take so long, however loaded the machine is. */
const MOST_MS = 3_000;

type Random = (below: number) => number;

/** Whole numbers that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** Where each frame of a well-formed conversation begins, and its end. */
function framesOf(bytes: Buffer): number[] {
  const starts: number[] = [];
  let at = 0;
  for (; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) starts.push(at);
  return [...starts, at];
}

const conversations = CONVERSATIONS.map((bytes) => ({ bytes, starts: framesOf(bytes) }));
const anyConversation = (random: Random) => conversations[random(conversations.length)] ?? conversations[0];
const anyBytes = (random: Random, most: number) =>
  Buffer.from(Array.from({ length: random(most + 1) }, () => random(256)));

type Corruption = (bytes: Buffer, starts: readonly number[], random: Random) => Buffer;

/** One of them keeps the frames whole, so that what they say is wrong, and not only how they are cut. */
const CORRUPTIONS_OF: readonly Corruption[] = [
  function flipBit(bytes, _starts, random) {
    const at = random(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    return bytes;
  },
  function changeHead(bytes, starts, random) {
    const at = starts[random(starts.length - 1)] ?? 0;
    bytes[at + random(9)] = random(3) === 0 ? random(256) : random(14);
    return bytes;
  },
  function changePayload(bytes, starts, random) {
    const index = random(starts.length - 1);
    const [start = 0, end = 0] = [(starts[index] ?? 0) + 9, starts[index + 1]];
    for (let count = random(4); count >= 0 && end > start; count -= 1) bytes[start + random(end - start)] = random(256);
    return bytes;
  },
  function insert(bytes, _starts, random) {
    const at = random(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), anyBytes(random, 20), bytes.subarray(at)]);
  },
  function remove(bytes, _starts, random) {
    const at = random(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(30))]);
  },
  function cutOff(bytes, _starts, random) {
    return bytes.subarray(0, random(bytes.length + 1));
  },
  function repeatFrame(bytes, starts, random) {
    const [from, to] = [random(starts.length - 1), random(starts.length)];
    const again = bytes.subarray(starts[from], starts[from + 1]);
    return Buffer.concat([bytes.subarray(0, starts[to]), again, bytes.subarray(starts[to])]);
  },
  function dropFrame(bytes, starts, random) {
    const at = random(starts.length - 1);
    return Buffer.concat([bytes.subarray(0, starts[at]), bytes.subarray(starts[at + 1])]);
  },
  function inventFrame(bytes, starts, random) {
    const at = starts[random(starts.length)];
    const invented = frame(random(12), random(256), random(16), anyBytes(random, 40));
    return Buffer.concat([bytes.subarray(0, at), invented, bytes.subarray(at)]);
  },
  function goOnElsewhere(bytes, starts, random) {
    const other = anyConversation(random);
    const [at, from] = [starts[random(starts.length)], other?.starts[random(other.starts.length)]];
    return Buffer.concat([bytes.subarray(0, at), other?.bytes.subarray(from) ?? bytes]);
  },
];

function corrupt(random: Random): Buffer {
  const conversation = anyConversation(random);
  let bytes = Buffer.from(conversation?.bytes ?? []);
  let { starts } = conversation ?? { starts: [] };
  for (let count = random(3); count >= 0 && bytes.length > 0; count -= 1) {
    const corruption = CORRUPTIONS_OF[random(CORRUPTIONS_OF.length)];
    bytes = Buffer.from(corruption?.(bytes, starts, random) ?? bytes);
    // What begins behind the change is no longer known; the rest is as good a place as any.
    starts = starts.filter((start) => start <= bytes.length);
  }
  return bytes;
}

/** Feeds all of it in pieces, some of one byte, with a deadline here and there. */
function feedInPieces(replay: Replay, bytes: Buffer, random: Random): void {
  const largest = [random(8) === 0 ? 1 : 40, 200, 2_000, 20_000][random(4)] ?? 1;
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random(largest);
    replay.feed(bytes.subarray(at, end));
    at = end;
    if (random(60) === 0) replay.expire(random(6));
  }
}

function expectSettled(replay: Replay, seed: number): void {
  const { ends, deaths, connection } = replay;
  const isRight = ends.every((times) => times === 1) && deaths === 1 && connection.open === 0;
  if (!isRight) throw new Error(`seed ${seed}: ${JSON.stringify({ ends, deaths, open: connection.open })}`);
  for (const result of replay.results) {
    if (result?.kind !== 'response') continue;
    const { status, body } = result;
    if (status < 200 || status > 999 || body.length > 1_000) throw new Error(`seed ${seed}: ${status} ${body.length}`);
  }
}

it('reads the recorded conversations the same in one piece, byte by byte and in random pieces', () => {
  for (const { bytes } of conversations) {
    const whole = new Replay();
    whole.send();
    whole.feed(bytes);
    whole.close('end');
    expectSettled(whole, 0);
    for (let seed = 0; seed < 200; seed += 1) {
      const replay = new Replay();
      replay.send();
      const random = randomFrom(seed);
      for (let at = 0; at < bytes.length; ) {
        const end = seed === 0 ? at + 1 : at + 1 + random(2 ** (seed % 12));
        replay.feed(bytes.subarray(at, end));
        at = end;
      }
      replay.close('end');
      expectSettled(replay, seed);
      expect(replay.results).toEqual(whole.results);
    }
  }
});

it('settles every request once, throws nothing and never hangs, whatever becomes of the bytes of a server', async () => {
  const kinds = new Map<string, number>();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CORRUPTIONS; seed += 1) {
    const random = randomFrom(seed);
    const replay = new Replay();
    const startedAt = performance.now();
    try {
      if (random(8) > 0) replay.send();
      feedInPieces(replay, corrupt(random), random);
      replay.close((['end', 'reset', 'close'] as const)[random(3)] ?? 'end');
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
    if (performance.now() - startedAt > MOST_MS) throw new Error(`seed ${seed} takes too long`);
    expectSettled(replay, seed);
    for (const result of replay.results) {
      const name = result?.kind === 'response' ? 'response' : `${result?.kind} ${result?.reason}`;
      kinds.set(name, (kinds.get(name) ?? 0) + 1);
    }
    // What the connection put off to the next turn must not throw either.
    if (seed % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  // Not everything may end in the same way, or the corruptions are too coarse to test anything.
  for (const name of [
    'response',
    'ambiguous closed',
    'ambiguous reset',
    'not_processed goaway',
    'not_processed unsent',
  ]) {
    expect([name, (kinds.get(name) ?? 0) > CORRUPTIONS / 100]).toEqual([name, true]);
  }
}, 120_000);
