import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Feeder } from '../batches/feeder.js';
import { Sweep } from '../batches/sweep.js';
import { type Loop, startLoop } from '../lib/loop.js';
import { RollUp } from '../notifications/roll-up.js';
import { Dispatcher } from './dispatcher.js';
import { Gates } from './gates.js';

const FEED_MS = 100;
const SWEEP_MS = 1_000;

/** The clockwork of a worker: feeding, sweeping, gates; and the drain when it stops. */
@Injectable()
export class DispatchLoops implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(DispatchLoops.name);
  private loops: Loop[] = [];

  constructor(
    private readonly feeder: Feeder,
    private readonly sweep: Sweep,
    private readonly gates: Gates,
    private readonly rollUp: RollUp,
    private readonly dispatcher: Dispatcher,
  ) {}

  onApplicationBootstrap(): void {
    this.loops = [
      this.loop('feed', FEED_MS, async () => (await this.feeder.feed()) > 0),
      this.loop('sweep', SWEEP_MS, async () => {
        for (const id of await this.sweep.sweep()) this.rollUp.mark(id);
        return false;
      }),
      this.loop('gates', SWEEP_MS, async () => {
        await this.gates.advance();
        return false;
      }),
    ];
  }

  /** Here and not in a later hook: other modules' shutdown hooks run before a job has ended. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
    await this.dispatcher.drain();
  }

  private loop(name: string, intervalMs: number, round: () => Promise<boolean>): Loop {
    return startLoop(intervalMs, round, (error) => {
      this.logger.warn({ event: `${name}.failed`, reason: error instanceof Error ? error.message : String(error) });
    });
  }
}
