import { Http1Client, postOf } from '../system/http1-client.js';
import { latencies } from '../system/percentile.js';
import { type Dialogue, httpDialogue, Line, MARK, socketIoDialogue } from './line.js';

/** What the clients speak. `bare-…`: to a server that is not ours. */
export type Dialect = 'socket.io' | 'sse' | 'poll' | 'bare-socket.io' | 'bare-sse';

/** What the parent process asks for, one at a time; each is answered with an {@link Answer}. */
export type Order =
  | { do: 'connect'; dialect: Dialect; port: number; serverKey: string }
  /** Opens so many lines. Of the first ones latencies are looked at, as `watched` says. */
  | { do: 'open'; lines: number; watched: number }
  /** Publishes as fast as the slowest way of a message lets it: at most `window` are under way. */
  | { do: 'flood'; messages: number; window: number }
  | { do: 'pace'; messages: number; perSecond: number }
  | { do: 'close' };

export type Answer =
  | { ok: true; ms: number; p50Ms: number; p99Ms: number; received: number }
  | { ok: false; error: string };

const PUBLISHERS = 16;
const OPENING_AT_ONCE = 100;
const CHANNEL = 'prices';
/** Of a price with what belongs to it. */
const PADDING = 'x'.repeat(120);

class Clients {
  private lines: Line[] = [];
  private idle: Http1Client[] = [];
  private received = 0;
  private latenciesMs: number[] = [];
  private onReceived: () => void = () => undefined;
  private fail: (error: Error) => void = () => undefined;
  private readonly publishBytes: (body: string) => string;

  constructor(
    private readonly dialect: Dialect,
    private readonly port: number,
    private readonly serverKey: string,
  ) {
    const path = dialect.startsWith('bare-') ? '/publish' : `/v1/realtime/channels/${CHANNEL}/messages`;
    const post = postOf(port, path, serverKey);
    this.publishBytes = (body) => post('none', body);
  }

  async open(count: number, watched: number): Promise<void> {
    for (let begun = 0; begun < count; begun += OPENING_AT_ONCE) {
      const some = Array.from({ length: Math.min(OPENING_AT_ONCE, count - begun) }, async (_, i) => {
        const dialogue = await this.dialogue(begun + i);
        return Line.open(this.port, dialogue, {
          messages: (arrived) => {
            this.received += arrived;
            this.onReceived();
          },
          ...(begun + i < watched && {
            latency: (publishedMs: number) => this.latenciesMs.push(performance.now() - publishedMs),
          }),
          lost: (error) => this.fail(error),
        });
      });
      this.lines.push(...(await Promise.all(some)));
    }
  }

  /** @returns milliseconds from the first message's publication until every line had every message */
  async flood(messages: number, window: number): Promise<number> {
    const total = messages * this.lines.length;
    let published = 0;
    const startedMs = performance.now();
    await this.untilAll(total, (publish) => {
      while (published < messages && published - Math.floor(this.received / this.lines.length) < window) {
        if (!publish()) return;
        published += 1;
      }
    });
    return performance.now() - startedMs;
  }

  async pace(messages: number, perSecond: number): Promise<number> {
    let published = 0;
    const startedMs = performance.now();
    await this.untilAll(messages * this.lines.length, (publish) => {
      const due = Math.min(messages, 1 + Math.floor(((performance.now() - startedMs) * perSecond) / 1_000));
      while (published < due) {
        if (!publish()) return;
        published += 1;
      }
    });
    return performance.now() - startedMs;
  }

  closeLines(): void {
    for (const line of this.lines) line.close();
    this.lines = [];
  }

  /** Since it was last asked. */
  takeReceived(): { received: number; p50Ms: number; p99Ms: number } {
    const taken = { received: this.received, ...latencies(this.latenciesMs) };
    this.received = 0;
    this.latenciesMs = [];
    return taken;
  }

  private async untilAll(total: number, pump: (publish: () => boolean) => void): Promise<void> {
    // Opened anew: servers close what was idle while something else was measured.
    const publishers = await Promise.all(Array.from({ length: PUBLISHERS }, () => Http1Client.open(this.port)));
    this.idle = [...publishers];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.fail = reject;
    const publish = (): boolean => {
      const client = this.idle.pop();
      if (client === undefined) return false;
      const data = `{${MARK}${performance.now().toFixed(3)},"symbol":"CARI","note":"${PADDING}"}`;
      client.send(this.publishBytes(`{"event":"price","data":${data}}`), (status) => {
        this.idle.push(client);
        if (status !== 201) reject(new Error(`a publish was answered ${status}`));
        else pump(publish);
      });
      return true;
    };
    this.onReceived = () => {
      if (this.received >= total) resolve();
      else pump(publish);
    };
    const timer = setInterval(() => pump(publish), 1);
    await promise.finally(() => {
      clearInterval(timer);
      for (const publisher of publishers) publisher.close();
      this.onReceived = () => undefined;
      this.fail = () => undefined;
    });
  }

  private async dialogue(index: number): Promise<Dialogue> {
    if (this.dialect === 'bare-socket.io') return socketIoDialogue(this.port, '/socket.io/', '');
    if (this.dialect === 'bare-sse') return httpDialogue(this.port, '/events', '', ': ok');
    const token = await this.token(`u-${index}`);
    if (this.dialect === 'sse')
      return httpDialogue(this.port, `/v1/realtime/events?channels=${CHANNEL}`, token, '\nid: ');
    if (this.dialect === 'poll') {
      const path = `/v1/realtime/poll?channels=${CHANNEL}&waitSeconds=30`;
      return { ...httpDialogue(this.port, path, token, ''), cues: [] };
    }
    return socketIoDialogue(
      this.port,
      '/realtime/',
      JSON.stringify({ token }),
      `["subscribe",{"channels":["${CHANNEL}"]}]`,
    );
  }

  private async token(userId: string): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/v1/realtime/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.serverKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ userId, channels: [CHANNEL], ttlSeconds: 3_600 }),
    });
    if (answer.status !== 201) throw new Error(`a token was answered ${answer.status}: ${await answer.text()}`);
    return ((await answer.json()) as { token: string }).token;
  }
}

let clients: Clients | undefined;

async function obey(order: Order): Promise<number> {
  if (order.do === 'connect') {
    clients = new Clients(order.dialect, order.port, order.serverKey);
    return 0;
  }
  if (clients === undefined) throw new Error('not connected');
  if (order.do === 'open') await clients.open(order.lines, order.watched);
  if (order.do === 'flood') return clients.flood(order.messages, order.window);
  if (order.do === 'pace') return clients.pace(order.messages, order.perSecond);
  if (order.do === 'close') clients.closeLines();
  return 0;
}

process.once('disconnect', () => process.exit(0));
process.on('message', (order: Order) => {
  obey(order).then(
    (ms) =>
      process.send?.({
        ok: true,
        ms,
        ...(clients?.takeReceived() ?? { received: 0, p50Ms: 0, p99Ms: 0 }),
      } satisfies Answer),
    (error: unknown) => process.send?.({ ok: false, error: String(error) } satisfies Answer),
  );
});
