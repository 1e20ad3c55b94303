import { describe, expect, it } from 'vitest';
import { Grouped } from '../../src/lib/grouped.js';

describe('Grouped', () => {
  it('runs the first call at once and those that come meanwhile together', async () => {
    const groups: number[][] = [];
    const gate = Promise.withResolvers<void>();
    const grouped = new Grouped(async (items: readonly number[]) => {
      groups.push([...items]);
      if (groups.length === 1) await gate.promise;
      return items.map((item) => item * 2);
    });
    const results = [1, 2, 3].map((item) => grouped.submit(item));
    gate.resolve();
    expect(await Promise.all(results)).toEqual([2, 4, 6]);
    expect(groups).toEqual([[1], [2, 3]]);
    expect(await grouped.submit(4)).toBe(8);
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
