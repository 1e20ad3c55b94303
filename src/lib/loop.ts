/** Something done over and over until stopped. */
export interface Loop {
  /** There is something to do: the next round starts now, or right after the one that is under way. */
  wake(): void;
  /** Resolves when the round that is under way has ended; no other starts. */
  stop(): Promise<void>;
}

/**
 * Runs `round` again and again, `intervalMs` after the previous one ended; never two at once. A round that throws is reported
 * and the next one comes as usual.
 *
 * @param round returns true when there is more to do right now: the next round then starts at once
 */
export function startLoop(
  intervalMs: number,
  round: () => Promise<boolean | undefined>,
  onError: (error: unknown) => void,
): Loop {
  let stopped = false;
  let isAsked = false;
  let wake: (() => void) | undefined;
  const running = (async () => {
    while (!stopped) {
      isAsked = false;
      let isBusy: boolean | undefined = false;
      try {
        isBusy = await round();
      } catch (error) {
        onError(error);
      }
      if (stopped || isBusy || isAsked) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, intervalMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  })();
  return {
    wake: () => {
      isAsked = true;
      wake?.();
    },
    stop: async () => {
      stopped = true;
      wake?.();
      await running;
    },
  };
}
