import { describe, expect, it } from 'vitest';
import type { Lane } from '../../src/providers/provider.js';
import { Turns } from '../../src/providers/webpush/webpush.turns.js';

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Runs `count` pieces of work and says which were done in which turn. */
function work(turns: Turns, done: string[], lane: Lane, count: number): void {
  for (let i = 0; i < count; i += 1) turns.run(lane, () => done.push(lane));
}

describe('turns of the event loop', () => {
  it('what comes alone starts at once', () => {
    const done: string[] = [];
    work(new Turns(), done, 'bulk', 1);
    expect(done).toEqual(['bulk']);
  });

  it('many are spread: 16 in each turn, all of them, in order', async () => {
    const turns = new Turns();
    const done: number[] = [];
    for (let i = 0; i < 100; i += 1) turns.run('bulk', () => done.push(i));
    const counts = [done.length];
    while (done.length < 100) {
      await nextTurn();
      counts.push(done.length);
    }
    expect(counts).toEqual([16, 32, 48, 64, 80, 96, 100]);
    expect(done).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('a lane does not wait for what another has piled up', async () => {
    const turns = new Turns();
    const done: string[] = [];
    work(turns, done, 'bulk', 1_000);
    work(turns, done, 'critical', 1);
    expect(done).not.toContain('critical');
    await nextTurn();
    expect(done).toContain('critical');
    expect(done.length).toBeLessThanOrEqual(32);
  });

  it('no lane starves', async () => {
    const turns = new Turns();
    const done: string[] = [];
    for (const lane of ['critical', 'normal', 'bulk'] as const) work(turns, done, lane, 100);
    await nextTurn();
    await nextTurn();
    expect(new Set(done.slice(16))).toEqual(new Set(['critical', 'normal', 'bulk']));
  });

  it('work that makes more work is not stopped by it', async () => {
    const turns = new Turns();
    let done = 0;
    const next = () => {
      done += 1;
      if (done < 200) turns.run('normal', next);
    };
    turns.run('normal', next);
    while (done < 200) await nextTurn();
    expect(done).toBe(200);
  });

  it('a bug in one piece leaves the others their turn', async () => {
    const turns = new Turns();
    let done = 0;
    for (let i = 0; i < 16; i += 1) turns.run('bulk', () => {});
    const surfaced = new Promise<unknown>((resolve) => {
      const others = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const other of others) process.on('uncaughtException', other);
        resolve(error);
      });
    });
    turns.run('bulk', () => {
      throw new Error('a bug');
    });
    for (let i = 0; i < 20; i += 1) turns.run('bulk', () => (done += 1));
    expect(await surfaced).toEqual(new Error('a bug'));
    while (done < 20) await nextTurn();
    expect(done).toBe(20);
  });
});
