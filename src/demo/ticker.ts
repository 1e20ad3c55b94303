import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type Loop, startLoop } from '../lib/loop.js';
import { Hub } from '../realtime/hub.js';
import { RealtimeStream } from '../realtime/stream.js';
import { DemoApplication } from './demo-application.js';

export const TICKER_CHANNEL = 'demo-prices';
const TICK_MS = 1_000;
/** Milliseconds. Several processes may have somebody who looks; one price a second is enough. */
const MIN_AGE_MS = 800;
const FIRST_PRICE = 100;
/** Of the price, up or down at most. */
const MAX_CHANGE = 0.01;

interface Quote {
  price: number;
  at: number;
}

/** A price that changes every second while somebody looks. */
@Injectable()
export class Ticker implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('demo');
  private loop: Loop | undefined;

  constructor(
    private readonly application: DemoApplication,
    private readonly hub: Hub,
    private readonly stream: RealtimeStream,
  ) {}

  onModuleInit(): void {
    this.loop = startLoop(
      TICK_MS,
      async () => {
        await this.tick();
        return false;
      },
      (error) => this.logger.debug({ event: 'demo.tick_failed', err: error }),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop?.stop();
  }

  private async tick(): Promise<void> {
    const application = this.hub.size > 0 ? await this.application.find() : undefined;
    if (!application) return;
    const channel = { applicationId: application.id, name: TICKER_CHANNEL };
    if (!this.hub.isFollowed(channel)) return;
    const last = await this.last(channel);
    if (last && Date.now() - last.at < MIN_AGE_MS) return;
    const change = 1 + (Math.random() * 2 - 1) * MAX_CHANGE;
    const price = Number(((last?.price ?? FIRST_PRICE) * change).toFixed(2));
    await this.stream.publish(channel, { event: 'price', data: JSON.stringify({ symbol: 'CRLN', price }) });
  }

  private async last(channel: { applicationId: string; name: string }): Promise<Quote | undefined> {
    const { epoch, seq } = await this.stream.newest(channel);
    if (seq === 0) return undefined;
    const { messages } = await this.stream.read(channel, { epoch, seq: seq - 1 });
    const message = messages.findLast(({ event }) => event === 'price');
    if (!message) return undefined;
    const { data, at }: { data: { price: number }; at: string } = JSON.parse(message.json);
    return { price: data.price, at: Date.parse(at) };
  }
}
