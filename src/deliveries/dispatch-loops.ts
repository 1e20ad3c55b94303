import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Feeder, FULL_ROUND } from '../batches/feeder.js';
import { Sweep } from '../batches/sweep.js';
import { CONFIG, type Config } from '../config/config.js';
import { type Loop, startLoop } from '../lib/loop.js';
import { RollUp } from '../notifications/roll-up.js';
import { Dispatcher } from './dispatcher.js';
import { Gates } from './gates.js';

const FEED_MS = 100;
const ROLL_UP_MS = 250;
const SWEEP_MS = 1_000;

/** The clockwork of a worker: feeding its lanes, counting what it did, and in the background sweeping; and the drain when it stops. */
@Injectable()
export class DispatchLoops implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(DispatchLoops.name);
  private readonly loops: Loop[] = [];

  constructor(
    private readonly feeder: Feeder,
    private readonly sweep: Sweep,
    private readonly gates: Gates,
    private readonly rollUp: RollUp,
    private readonly dispatcher: Dispatcher,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    const { WORKER_LANES, WORKER_BACKGROUND } = this.config;
    // In every worker: what it has sent is marked in its own memory alone.
    this.start('roll_up', ROLL_UP_MS, () => this.rollUp.flush());
    if (WORKER_LANES.length > 0) this.start('feed', FEED_MS, async () => (await this.feeder.feed()) >= FULL_ROUND);
    if (!WORKER_BACKGROUND) return;
    this.start('sweep', SWEEP_MS, async () => {
      for (const id of await this.sweep.sweep()) this.rollUp.mark(id);
    });
    this.start('gates', SWEEP_MS, () => this.gates.advance());
  }

  /** Here and not in a later hook: other modules' shutdown hooks run before a job has ended. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
    await this.dispatcher.drain();
  }

  /** A round that resolves to true is followed by the next at once. */
  private start(name: string, intervalMs: number, round: () => Promise<unknown>): void {
    const onError = (error: unknown) => {
      this.logger.warn({ event: `${name}.failed`, reason: error instanceof Error ? error.message : String(error) });
    };
    this.loops.push(startLoop(intervalMs, async () => (await round()) === true, onError));
  }
}
