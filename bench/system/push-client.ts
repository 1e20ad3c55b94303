import { writeFile } from 'node:fs/promises';
import { contend } from '../contender.js';
import { CONTENT } from './campaign-run.js';
import { Http1Client, postOf } from './http1-client.js';

export interface PushInput {
  port: number;
  serverKey: string;
  perSecond: number;
  /** Gets the {@link SentPush}es as JSON. */
  file: string;
  /** Different in each run: idempotency keys begin with it. */
  run: string;
}

/** Times on the machine's monotonic clock, in milliseconds. */
export interface SentPush {
  /** The n-th push goes to user `u-n`. */
  user: number;
  /** When it was due; sending it late is part of what it waited. */
  dueMs: number;
  answeredMs: number;
  status: number;
}

const CONNECTIONS = 64;
const CONTENT_JSON = JSON.stringify(CONTENT);

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}

/** An open loop: pushes leave when they are due, whether or not earlier ones were answered. */
class OpenLoop {
  readonly sent: SentPush[] = [];
  private readonly idle: Http1Client[];
  private readonly startMs = nowMs();
  private next = 0;

  constructor(
    clients: readonly Http1Client[],
    private readonly count: number,
    private readonly perSecond: number,
    private readonly requestFor: (user: number) => string,
    private readonly ended: () => void,
  ) {
    this.idle = [...clients];
  }

  /** Sends what is due; to be called every millisecond or so. */
  pump(): void {
    const due = Math.min(this.count, 1 + Math.floor(((nowMs() - this.startMs) * this.perSecond) / 1000));
    while (this.next < due) {
      const client = this.idle.pop();
      if (client === undefined) return;
      this.next += 1;
      this.send(client, this.next);
    }
  }

  private send(client: Http1Client, user: number): void {
    const dueMs = this.startMs + ((user - 1) * 1000) / this.perSecond;
    client.send(this.requestFor(user), (status) => {
      this.sent.push({ user, dueMs, answeredMs: nowMs(), status });
      this.idle.push(client);
      if (this.sent.length === this.count) this.ended();
      else this.pump();
    });
  }
}

contend<PushInput>({
  async setUp({ port, serverKey, perSecond, file, run }) {
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => Http1Client.open(port)));
    const request = postOf(port, '/v1/notifications', serverKey);
    const requestFor = (user: number) =>
      request(`${run}-${user}`, `{"audience":{"userIds":["u-${user}"]},"content":${CONTENT_JSON}}`);
    const all = async (count: number): Promise<readonly SentPush[]> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const loop = new OpenLoop(clients, count, perSecond, requestFor, resolve);
      const timer = setInterval(() => loop.pump(), 1);
      await promise;
      clearInterval(timer);
      return loop.sent;
    };
    return {
      run: async (count) => {
        if (count === 0) return {};
        const sent = await all(count);
        await writeFile(file, JSON.stringify(sent));
        const ends: Record<string, number> = {};
        for (const { status } of sent) ends[status] = (ends[status] ?? 0) + 1;
        return ends;
      },
      tearDown: async () => {
        for (const client of clients) client.close();
      },
    };
  },
});
