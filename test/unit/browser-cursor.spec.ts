import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Positions, sha256 } from '../../browser/sdk/cursor.js';
import { formatCursor, parseCursor, positionIn, tagOf } from '../../src/realtime/position.js';

const EPOCH = '0123456789ab';
const OTHER_EPOCH = 'ba9876543210';
const id = (seq: number, epoch = EPOCH) => `${epoch}-${seq}`;

describe('the cursor of the browser SDK', () => {
  it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 1_000])('hashes %i bytes as SHA-256 does', (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 31) % 256);
    expect(Buffer.from(sha256(bytes)).toString('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('is one that the service reads, and the other way round', () => {
    const positions = new Positions();
    positions.begin('chat-1', undefined);
    positions.advance('chat-1', id(7));
    positions.begin('user:u-1', 'start');
    const cursor = parseCursor(positions.cursor(['chat-1', 'user:u-1', 'unknown'])) ?? 'start';
    expect(positionIn(cursor, 'chat-1')).toEqual({ epoch: EPOCH, seq: 7 });
    expect(positionIn(cursor, 'user:u-1')).toEqual({ epoch: '0', seq: 0 });
    expect(positionIn(cursor, 'unknown')).toBeUndefined();

    const other = new Positions();
    const said = formatCursor([
      [tagOf('a'), { epoch: EPOCH, seq: 3 }],
      [tagOf('b'), { epoch: OTHER_EPOCH, seq: 9 }],
    ]);
    other.take(['a', 'b', 'c'], said);
    expect(other.cursor(['a', 'b', 'c'])).toBe(said);
    expect(other.cursor(['c'])).toBe('');
    other.take(['a', 'b'], formatCursor([[tagOf('a'), { epoch: EPOCH, seq: 2 }]]));
    expect(other.cursor(['a', 'b'])).toBe(said);
  });
});

describe('a message', () => {
  const at = (seq: number, epoch = EPOCH): Positions => {
    const positions = new Positions();
    positions.advance('a', id(seq, epoch));
    return positions;
  };

  it('passes once', () => {
    expect(at(5).advance('a', id(6))).toBe(true);
    expect(at(5).advance('a', id(5))).toBe(false);
    expect(at(5).advance('a', id(4))).toBe(false);
    expect(at(5).advance('b', id(4))).toBe(true);
  });

  it('of another epoch passes, for the log began anew', () => {
    expect(at(5).advance('a', id(1, OTHER_EPOCH))).toBe(true);
  });

  it('that is no message of the service does not', () => {
    expect(at(5).advance('a', 'x-6')).toBe(false);
  });

  it('that announces a gap back to an earlier state passes where the reader is, and nowhere else', () => {
    const positions = at(5);
    expect(positions.advance('a', id(2), id(5))).toBe(true);
    expect(positions.advance('a', id(3))).toBe(true);
    expect(at(5).advance('a', id(2), id(4))).toBe(false);
  });

  it('is forgotten with its channel', () => {
    const positions = at(5);
    positions.forget('a');
    expect(positions.cursor(['a'])).toBe('');
    expect(positions.advance('a', id(2))).toBe(true);
  });
});
