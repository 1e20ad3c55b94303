import { setTimeout as delay } from 'node:timers/promises';

/**
 * Runs `check` until it neither throws nor answers `false`; what waits for a condition uses this instead of sleeping.
 *
 * @returns what `check` returned
 * @throws Error with the last failure as `cause` after `timeoutMs` (default 10,000)
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 10_000, intervalMs = 25 }: { timeoutMs?: number; intervalMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  do {
    try {
      const value = await check();
      if (value !== false) return value;
      last = new Error('the condition was false');
    } catch (error) {
      last = error;
    }
    await delay(intervalMs);
  } while (performance.now() < deadline);
  throw new Error(`not reached within ${timeoutMs} ms: ${last instanceof Error ? last.message : String(last)}`, {
    cause: last,
  });
}
