import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Grouped } from '../../src/lib/grouped.js';

describe('Grouped', () => {
  it('runs the calls of one turn together, and then those that came meanwhile', async () => {
    const groups: number[][] = [];
    const gate = Promise.withResolvers<void>();
    const grouped = new Grouped(async (items: readonly number[]) => {
      groups.push([...items]);
      if (groups.length === 1) await gate.promise;
      return items.map((item) => item * 2);
    });
    const first = [1, 2].map((item) => grouped.submit(item));
    await nextTurn();
    expect(groups).toEqual([[1, 2]]);
    const later = [3, 4, 5].map((item) => grouped.submit(item));
    await nextTurn();
    expect(groups).toEqual([[1, 2]]);
    gate.resolve();
    expect(await Promise.all([...first, ...later])).toEqual([2, 4, 6, 8, 10]);
    expect(groups).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    expect(await grouped.submit(6)).toBe(12);
  });

  it('starts no more often than its interval, but after a quiet time at once', async () => {
    const starts: number[] = [];
    const sizes: number[] = [];
    const grouped = new Grouped(
      async (items: readonly number[]) => {
        starts.push(performance.now());
        sizes.push(items.length);
        return items;
      },
      { intervalMs: 50 },
    );
    const before = performance.now();
    await grouped.submit(1);
    const second = grouped.submit(2);
    await nextTurn();
    await Promise.all([second, grouped.submit(3)]);
    expect(sizes).toEqual([1, 2]);
    expect((starts[1] ?? 0) - (starts[0] ?? 0)).toBeGreaterThanOrEqual(49);
    expect((starts[0] ?? 0) - before).toBeLessThan((starts[1] ?? 0) - (starts[0] ?? 0));
  });

  it('lets a bad item fail alone', async () => {
    const grouped = new Grouped(async (items: readonly number[]) => {
      if (items.includes(3)) throw new Error('three');
      return items;
    });
    const results = await Promise.allSettled([1, 2, 3, 4].map((item) => grouped.submit(item)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  it('fails as a whole, after one run, when none can be at fault', async () => {
    let runs = 0;
    const grouped = new Grouped<number, number>(
      async () => {
        runs += 1;
        throw new Error('away');
      },
      { failsTogether: true },
    );
    const results = await Promise.allSettled([1, 2, 3].map((item) => grouped.submit(item)));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(runs).toBe(1);
  });

  it('keeps groups small enough', async () => {
    const sizes: number[] = [];
    const grouped = new Grouped(
      async (items: readonly number[]) => {
        sizes.push(items.length);
        return items;
      },
      { maxSize: 10 },
    );
    await Promise.all(Array.from({ length: 25 }, (_, i) => grouped.submit(i)));
    expect(Math.max(...sizes)).toBe(10);
  });
});
