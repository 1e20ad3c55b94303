import { expect, it } from 'vitest';
import type { Clock } from '../../src/lib/clock.js';
import { DeadlineWheel } from '../../src/transport/deadline-wheel.js';
import { eventually } from '../setup/eventually.js';

class SteppedClock implements Clock {
  nowMs = 1_000;
  now = (): Date => new Date(this.nowMs);
  monotonicMs = (): number => this.nowMs;
}

function itemsOf(wheel: DeadlineWheel, deadlines: number[]): { expired: number[]; remove: (index: number) => void } {
  const expired: number[] = [];
  const items = deadlines.map((atMs, index) => {
    const item = { expire: () => expired.push(index), earlier: undefined, later: undefined };
    wheel.add(item, atMs);
    return item;
  });
  return {
    expired,
    remove: (index) => {
      const item = items[index];
      if (item !== undefined) wheel.remove(item);
    },
  };
}

it('expires each item once, not before its deadline, in the order of the deadlines', async () => {
  const clock = new SteppedClock();
  const wheel = new DeadlineWheel(clock);
  const { expired } = itemsOf(wheel, [1_500, 1_100, 900, 1_100]);
  clock.nowMs = 1_099;
  await eventually(() => expired.length === 1);
  clock.nowMs = 1_200;
  await eventually(() => expired.length === 3);
  clock.nowMs = 60_000;
  await eventually(() => expired.length === 4);
  expect(expired).toEqual([2, 1, 3, 0]);
});

it('forgets what was removed', async () => {
  const clock = new SteppedClock();
  const wheel = new DeadlineWheel(clock);
  const { expired, remove } = itemsOf(wheel, [1_100, 1_100]);
  remove(0);
  clock.nowMs = 2_000;
  await eventually(() => expired.length === 1);
  expect(expired).toEqual([1]);
});

it('goes on after it has been empty', async () => {
  const clock = new SteppedClock();
  const wheel = new DeadlineWheel(clock);
  const first = itemsOf(wheel, [1_050]);
  clock.nowMs = 1_100;
  await eventually(() => first.expired.length === 1);
  clock.nowMs = 100_000;
  const second = itemsOf(wheel, [100_050]);
  clock.nowMs = 100_100;
  await eventually(() => second.expired.length === 1);
});
