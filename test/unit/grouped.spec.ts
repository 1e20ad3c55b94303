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

  it('lets a bad item fail alone', async () => {
    const grouped = new Grouped(async (items: readonly number[]) => {
      if (items.includes(3)) throw new Error('three');
      return items;
    });
    const results = await Promise.allSettled([1, 2, 3, 4].map((item) => grouped.submit(item)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  it('keeps groups small enough', async () => {
    const sizes: number[] = [];
    const grouped = new Grouped(async (items: readonly number[]) => {
      sizes.push(items.length);
      return items;
    }, 10);
    await Promise.all(Array.from({ length: 25 }, (_, i) => grouped.submit(i)));
    expect(Math.max(...sizes)).toBe(10);
  });
});
