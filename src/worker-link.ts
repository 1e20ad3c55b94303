/** What a supervisor asks a worker over its IPC channel. */
export interface WorkerQuestion {
  id: number;
  ask: 'readiness' | 'metrics';
}

/** What a worker tells its supervisor: that it has started, or an answer. */
export type WorkerMessage = { event: 'started' } | { id: number; answer: unknown };

/** Milliseconds that a worker has when its supervisor is gone: it finishes what it can and gives the rest back. */
const ORPHAN_DEADLINE_MS = 1_500;

/**
 * Ends this process when the one that forked it is gone, however it went: nobody would restart or stop it any more.
 *
 * @param stop begins an orderly stop
 */
export function endWithSupervisor(stop: () => void): void {
  if (process.channel === undefined) return;
  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), ORPHAN_DEADLINE_MS).unref();
    stop();
  });
}

/** Tells the process that forked this one, if any did, that this worker has started, and answers it from then on. */
export function answerSupervisor(answers: Readonly<Record<WorkerQuestion['ask'], () => Promise<unknown>>>): void {
  if (process.channel === undefined) return;
  process.on('message', ({ id, ask }: WorkerQuestion) => {
    answers[ask]().then(
      (answer) => tell({ id, answer }),
      () => undefined,
    );
  });
  tell({ event: 'started' });
}

function tell(message: WorkerMessage): void {
  // The callback takes the error when the supervisor is just going; without it Node would throw.
  process.send?.(message, undefined, {}, () => undefined);
}
