/** What one process may ask another over their IPC channel: a supervisor about that one, and that one about all of them. */
export type Question = 'readiness' | 'metrics';

/** How a process answers each question. */
export type Answers = Readonly<Record<Question, () => Promise<unknown>>>;

/** What goes over the channel: that a process has started, a question, or the answer to the other end's question. */
export type LinkMessage = { event: 'started' } | { id: number; ask: Question } | { id: number; answer: unknown };

/** Milliseconds that a process has when its supervisor is gone: it finishes what it can and gives the rest back. */
const ORPHAN_DEADLINE_MS = 1_500;

/** One end of the channel between a supervisor and a process that it forked. */
export class ProcessLink {
  private lastId = 0;
  private readonly waiting = new Map<number, (answer: unknown) => void>();

  /**
   * @param send    hands a message to the channel; `failed` when it cannot
   * @param answers undefined: the other end asks nothing
   */
  constructor(
    private readonly send: (message: LinkMessage, failed: () => void) => void,
    private readonly answers: Answers | undefined,
  ) {}

  /** @returns undefined when no answer came in time, or none can come */
  ask(ask: Question, timeoutMs: number): Promise<unknown> {
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve) => {
      const settle = (answer?: unknown) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(settle, timeoutMs);
      this.waiting.set(id, settle);
      this.send({ id, ask }, () => settle());
    });
  }

  tell(message: LinkMessage): void {
    this.send(message, () => undefined);
  }

  /** Takes a message of the other end. */
  hear(message: LinkMessage): void {
    if ('answer' in message) this.waiting.get(message.id)?.(message.answer);
    if (!('ask' in message)) return;
    const { id, ask } = message;
    this.answers?.[ask]().then(
      (answer) => this.tell({ id, answer }),
      () => undefined,
    );
  }
}

/**
 * Ends this process when the one that forked it is gone, however it went: nobody would restart or stop it any more. A process
 * of Node's `cluster` ends by itself then, and at once, since its port went with the supervisor.
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

/**
 * Tells the process that forked this one that this one has started, and answers it from then on.
 *
 * @returns undefined when no process did
 */
export function answerSupervisor(answers: Answers): ProcessLink | undefined {
  if (process.channel === undefined) return undefined;
  const link = new ProcessLink((message, failed) => {
    // The callback takes the error when the supervisor is just going; without it Node would throw.
    process.send?.(message, undefined, {}, (error) => error && failed());
  }, answers);
  process.on('message', (message: LinkMessage) => link.hear(message));
  link.tell({ event: 'started' });
  return link;
}
