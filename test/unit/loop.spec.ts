import { expect, it } from 'vitest';
import { startLoop } from '../../src/lib/loop.js';
import { eventually } from '../setup/eventually.js';

const HOUR_MS = 3_600_000;

it('starts its next round at once when it is woken, also while one is under way', async () => {
  let rounds = 0;
  let release: (() => void) | undefined;
  const loop = startLoop(
    HOUR_MS,
    async () => {
      rounds += 1;
      if (rounds === 2)
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      return false;
    },
    () => undefined,
  );
  await eventually(() => rounds === 1);
  loop.wake();
  await eventually(() => release !== undefined);
  loop.wake();
  loop.wake();
  release?.();
  await eventually(() => rounds === 3);
  await loop.stop();
  loop.wake();
  expect(rounds).toBe(3);
});
