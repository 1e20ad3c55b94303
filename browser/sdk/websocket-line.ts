import { type Answer, type Line, type LineClient, type LineEnd, type Message, refusal, Watch } from './line.js';

/** What the service says beside messages. */
interface Control {
  secondsLeft?: number;
  reason?: string;
  delayMs?: number;
}

/** Engine.IO 4 and Socket.IO 5, as far as they are needed here. @see https://socket.io/docs/v4/engine-io-protocol/ */
export class WebsocketLine implements Line {
  readonly transport = 'websocket';
  private readonly socket: WebSocket;
  private readonly watch = new Watch(() => this.end({ kind: 'lost' }));
  private readonly asked = new Map<number, (answer: Answer) => void>();
  private askedSoFar = 0;
  private followed = new Set<string>();
  private isIn = false;
  private isOver = false;
  private parting: LineEnd = { kind: 'lost' };

  constructor(private readonly client: LineClient) {
    this.socket = new WebSocket(`${client.url.replace(/^http/, 'ws')}/realtime/?EIO=4&transport=websocket`);
    this.socket.onmessage = ({ data }) => this.take(String(data));
    this.socket.onclose = () => this.end(this.parting);
    this.socket.onerror = () => this.end(this.parting);
  }

  refresh(): void {
    if (!this.isIn) return;
    const wanted = new Set(this.client.channels());
    const added = [...wanted].filter((channel) => !this.followed.has(channel));
    const removed = [...this.followed].filter((channel) => !wanted.has(channel));
    this.followed = wanted;
    if (removed.length > 0) void this.ask('unsubscribe', { channels: removed });
    if (added.length > 0) void this.follow(added);
    else this.client.live();
  }

  ask(event: string, payload: object): Promise<Answer> {
    const number = this.askedSoFar++;
    return new Promise((resolve) => {
      this.asked.set(number, resolve);
      this.socket.send(`42${number}${JSON.stringify([event, payload])}`);
    });
  }

  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.watch.stop();
    const error = { code: 'unanswered', message: 'The connection ended before the answer.' };
    for (const answer of this.asked.values()) answer({ error });
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
  }

  private async follow(channels: readonly string[]): Promise<void> {
    const after = this.client.cursor();
    const answer = await this.ask('subscribe', { channels, ...(after !== '' && { after }) });
    if (this.isOver) return;
    if (answer.error) {
      this.end(refusal(answer.error));
      return;
    }
    if (answer.cursor !== undefined) this.client.cursorIs(answer.cursor);
    this.client.live();
  }

  private take(packet: string): void {
    this.watch.heard();
    const kind = packet.slice(0, packet.startsWith('4') ? 2 : 1);
    const rest = packet.slice(kind.length);
    if (kind === '2') this.socket.send('3');
    else if (kind === '0') this.enter(JSON.parse(rest));
    else if (kind === '40') {
      this.isIn = true;
      this.refresh();
    } else if (kind === '44') this.end(refusal(JSON.parse(rest).data ?? { code: 'refused', message: 'refused' }));
    else if (kind === '42') this.hear(JSON.parse(rest));
    else if (kind === '43') {
      const start = rest.indexOf('[');
      const number = Number(rest.slice(0, start));
      this.asked.get(number)?.(JSON.parse(rest.slice(start))[0]);
      this.asked.delete(number);
    } else if (kind === '41' || kind === '1') this.end(this.parting);
  }

  private enter({ pingInterval, pingTimeout }: { pingInterval: number; pingTimeout: number }): void {
    this.watch.allow(pingInterval + pingTimeout);
    this.socket.send(`40${JSON.stringify({ token: this.client.token() })}`);
  }

  private hear([event, first, cursor]: [string, Message | Control, string]): void {
    if (event === 'message') {
      this.client.message(first as Message);
      this.client.cursorIs(cursor);
      return;
    }
    const { secondsLeft = 0, reason = '', delayMs = 0 } = first as Control;
    if (event === 'expiring') this.client.expiring(secondsLeft);
    else if (event === 'closed') this.parting = { kind: 'closed', reason };
    else if (event === 'reconnect') this.end({ kind: 'reconnect', delayMs });
  }

  private end(end: LineEnd): void {
    if (this.isOver) return;
    this.close();
    this.client.ended(end);
  }
}
