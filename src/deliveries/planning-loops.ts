import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { type Loop, startLoop } from '../lib/loop.js';
import { Idempotency } from '../notifications/idempotency.js';
import { LiveService } from '../notifications/live.service.js';
import { NotificationsService } from '../notifications/notifications.service.js';
import { RollUp } from '../notifications/roll-up.js';
import { Planner } from './planner.js';

const PLAN_SWEEP_MS = 1_000;
const PASS_MS = 250;
const PURGE_MS = 60_000;

/** What starts planning when it is due, and counts what the workers that are gone have left uncounted. */
@Injectable()
export class PlanningLoops implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(PlanningLoops.name);
  private loops: Loop[] = [];

  constructor(
    private readonly planner: Planner,
    private readonly rollUp: RollUp,
    private readonly idempotency: Idempotency,
    private readonly live: LiveService,
    private readonly notifications: NotificationsService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    this.loops = [
      this.loop('plan_sweep', PLAN_SWEEP_MS, () => this.planner.wakeDue()),
      this.loop('roll_up_pass', PASS_MS, async () => {
        await this.rollUp.advancePass();
        return false;
      }),
      this.loop('idempotency_purge', PURGE_MS, async () => (await this.idempotency.purge()) > 0),
      this.loop('acknowledgement_purge', PURGE_MS, async () => {
        return (await this.live.purge(this.config.NOTIFICATION_RETENTION_DAYS)) > 0;
      }),
      this.loop('timeline_purge', PURGE_MS, async () => {
        return (await this.notifications.purgeTimelines(this.config.NOTIFICATION_RETENTION_DAYS)) > 0;
      }),
    ];
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([...this.loops.map((loop) => loop.stop()), this.planner.drain()]);
  }

  private loop(name: string, intervalMs: number, round: () => Promise<boolean>): Loop {
    return startLoop(intervalMs, round, (error) => {
      this.logger.warn({ event: `${name}.failed`, reason: error instanceof Error ? error.message : String(error) });
    });
  }
}
