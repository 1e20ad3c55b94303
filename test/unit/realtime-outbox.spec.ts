import { expect, it } from 'vitest';
import { Outbox } from '../../src/realtime/outbox.js';
import { eventually } from '../setup/eventually.js';

/** A network that takes a write when it is told to. */
function network() {
  const writes: string[] = [];
  const pending: (() => void)[] = [];
  let overflows = 0;
  const writer = {
    write: (items: readonly string[], done: () => void) => {
      writes.push(items.join(''));
      pending.push(done);
    },
    overflowed: () => {
      overflows += 1;
    },
  };
  return { writer, writes, take: () => pending.shift()?.(), overflows: () => overflows };
}

it('writes what comes in one turn together, at most fifty at once, and in order', async () => {
  const net = network();
  const outbox = new Outbox(net.writer);
  for (let n = 0; n < 120; n += 1) outbox.push(`${n};`, 4);
  await eventually(() => net.writes.length === 1);
  expect(net.writes[0]?.split(';').length).toBe(51);
  net.take();
  net.take();
  net.take();
  expect(net.writes.join('')).toBe(Array.from({ length: 120 }, (_, n) => `${n};`).join(''));
  await outbox.drained();
  expect(net.overflows()).toBe(0);
});

it('gives up a reader that leaves too many messages', async () => {
  const net = network();
  const outbox = new Outbox(net.writer, 500);
  for (let n = 0; n < 500; n += 1) outbox.push('x', 1);
  expect(net.overflows()).toBe(0);
  outbox.push('x', 1);
  outbox.push('x', 1);
  expect(net.overflows()).toBe(1);
  await outbox.drained();
  expect(net.writes).toEqual([]);
});

it('gives up a reader that leaves too many bytes, yet takes one message of any size', async () => {
  const net = network();
  const outbox = new Outbox(net.writer, 500, 1_000);
  outbox.push('large', 5_000);
  await eventually(() => net.writes.length === 1);
  outbox.push('x', 1);
  expect(net.overflows()).toBe(1);
});

it('holds a replay back at half of its bounds until the network takes something', async () => {
  const net = network();
  const outbox = new Outbox(net.writer, 10);
  for (let n = 0; n < 5; n += 1) outbox.push('x', 1);
  const room = outbox.room();
  expect(room).toBeInstanceOf(Promise);
  await eventually(() => net.writes.length === 1);
  net.take();
  await room;
  expect(outbox.room()).toBeUndefined();
});

it('lets go of a replay when it is closed', async () => {
  const outbox = new Outbox(network().writer, 2);
  outbox.push('x', 1);
  const room = outbox.room();
  outbox.close();
  await room;
});
