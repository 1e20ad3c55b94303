import { describe, expect, it } from 'vitest';
import { Breaker } from '../../src/deliveries/breaker.js';

describe('Breaker', () => {
  it('trips when more than half of a hundred answers failed, once', () => {
    const breaker = new Breaker();
    const trips: number[] = [];
    for (let i = 0; i < 150; i += 1) {
      if (breaker.record(i % 3 === 0 ? 'success' : 'failure', i)) trips.push(i);
    }
    expect(trips).toHaveLength(1);
    expect(trips[0]).toBeGreaterThanOrEqual(99);
  });

  it('does not trip at half', () => {
    const breaker = new Breaker();
    for (let i = 0; i < 1000; i += 1) expect(breaker.record(i % 2 ? 'failure' : 'success', i)).toBe(false);
  });

  it('does not trip on few answers', () => {
    const breaker = new Breaker();
    for (let i = 0; i < 99; i += 1) expect(breaker.record('failure', i)).toBe(false);
  });

  it('forgets what is older than ten seconds', () => {
    const breaker = new Breaker();
    for (let i = 0; i < 90; i += 1) breaker.record('failure', i);
    for (let i = 0; i < 90; i += 1) expect(breaker.record('failure', 11_000 + i)).toBe(false);
  });
});
