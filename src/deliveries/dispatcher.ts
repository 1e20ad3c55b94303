import { Inject, Injectable, Logger } from '@nestjs/common';
import { CredentialsService } from '../applications/credentials.service.js';
import { Leases } from '../batches/leases.js';
import { CONFIG, type Config } from '../config/config.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import type { Lane } from '../lib/names.js';
import { messageFor } from '../notifications/notification.js';
import { NotificationsService } from '../notifications/notifications.service.js';
import { RollUp } from '../notifications/roll-up.js';
import { type Credential, PROVIDERS, type Provider } from '../providers/provider.js';
import type { BatchRef, DispatchJob } from '../queue/queues.js';
import type { BatchRun } from './batch-run.js';
import { CheckpointWriter } from './checkpoint-writer.js';
import { Checkpointer } from './checkpointer.js';
import { Claims } from './claims.js';
import { Gates } from './gates.js';
import { JobRun } from './job-run.js';
import { Probes } from './probes.js';
import type { SendingContext } from './sending-context.js';

/** Milliseconds until a paused notification's batch is looked at again. */
const PAUSED_MS = 1_000;

/** Runs dispatch jobs: claims their batches, gathers what sending needs, and hands over to a {@link JobRun}. */
@Injectable()
export class Dispatcher {
  private readonly logger = new Logger(Dispatcher.name);
  /** Jobs from claim to hand-over; the runs among them that can be told to stop. */
  private readonly jobs = new Set<Promise<void>>();
  private readonly sending = new Set<JobRun>();
  private isDraining = false;

  constructor(
    private readonly leases: Leases,
    private readonly claims: Claims,
    private readonly checkpoints: CheckpointWriter,
    private readonly notifications: NotificationsService,
    private readonly rollUp: RollUp,
    private readonly credentials: CredentialsService,
    private readonly gates: Gates,
    @Inject(PROVIDERS) private readonly providers: ReadonlyMap<string, Provider>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Sends what the job's batches still owe. Ends when each is done, given back, or found to be another worker's. */
  async run(lane: Lane, job: DispatchJob): Promise<void> {
    if (this.isDraining) return this.leases.unqueue(job.batches);
    const work = this.claimAndSend(lane, job);
    this.jobs.add(work);
    await work.finally(() => this.jobs.delete(work));
  }

  /** Stops sending, waits for what is in flight, checkpoints and gives the leases back. */
  async drain(): Promise<void> {
    this.isDraining = true;
    for (const jobRun of this.sending) jobRun.drain();
    await Promise.allSettled(this.jobs);
  }

  private async claimAndSend(lane: Lane, job: DispatchJob): Promise<void> {
    const claimed = await this.claims.claim(lane, job);
    if (claimed.runs.length === 0) return;
    const used = new Map<BatchRun, Credential>();
    const probes = new Probes(
      this.gates,
      this.credentials,
      (run) => used.get(run),
      (run) => this.providerOf(run),
    );
    await probes.prepare(claimed.runs);
    const checkpointer = new Checkpointer(lane, claimed.runs, this.checkpoints);
    const context = this.context(claimed.claimedAtMs);
    const jobRun = new JobRun(claimed.runs, checkpointer, context, probes, claimed.deadlineMs);
    for (const run of claimed.runs) await this.open(run, jobRun, used);

    this.sending.add(jobRun);
    const work = jobRun.run();
    if (this.isDraining) jobRun.drain();
    await work.finally(() => this.sending.delete(jobRun));
  }

  private async open(run: BatchRun, jobRun: JobRun, used: Map<BatchRun, Credential>): Promise<void> {
    const { applicationId, provider, lane } = run.claimed;
    if (run.notification.state === 'paused') return run.hold(PAUSED_MS);
    const [current, ...older] = await this.credentials.open(applicationId, provider);
    if (!current) {
      // A deleted application has neither; its deliveries end one by one as those of deleted devices.
      if (run.targets.every((target) => target === undefined)) return;
      await this.gates.close(applicationId, provider, '', { kind: 'credential', reason: 'no_credential' });
      return run.hold(0);
    }
    used.set(run, current);
    run.sender = this.providerOf(run).openSender({
      message: messageFor(run.notification, provider),
      credentials: [current, ...older],
      lane,
      report: (position, outcome, latencyMs) => jobRun.report(run, position, outcome, latencyMs),
    });
  }

  private providerOf(run: BatchRun): Provider {
    const provider = this.providers.get(run.claimed.provider);
    if (!provider) throw new Error(`no adapter for ${run.claimed.provider}`);
    return provider;
  }

  private context(claimedAtMs: number): SendingContext {
    const remainingMs = (run: BatchRun) =>
      run.claimed.expiresAt.getTime() - run.claimed.claimedAt.getTime() - (this.clock.monotonicMs() - claimedAtMs);
    const timeoutMs = this.config.REQUEST_TIMEOUT_SECONDS * 1000;
    return {
      window: this.config.DISPATCH_WINDOW,
      nowMs: () => this.clock.monotonicMs(),
      random: () => Math.random(),
      remainingMs,
      timing: (run) => {
        const isNowOrNever = run.notification.options.ttlSeconds === 0;
        const ttlSeconds = isNowOrNever ? 0 : Math.max(1, Math.floor(remainingMs(run) / 1000));
        if (run.timing?.ttlSeconds !== ttlSeconds)
          run.timing = { ttlSeconds, expiresAt: run.claimed.expiresAt, timeoutMs };
        return run.timing;
      },
      endWithoutCall: (run, position) => {
        const stopped = run.notification.stopped[run.claimed.provider] ?? run.stopTally.stoppedBy;
        if (run.notification.state === 'cancelled') return { status: 'cancelled', code: 'cancelled' };
        if (stopped !== undefined) return { status: 'failed', code: stopped };
        if (remainingMs(run) <= 0) return { status: 'expired', code: 'ttl_expired' };
        const reason = run.suppressionOf(position);
        return reason === undefined ? undefined : { status: 'suppressed', code: reason };
      },
      refresh: (runs) => this.refresh(runs),
      renew: (runs) => this.renew(runs),
      release: async (run, delayMs) => {
        await this.leases.release(run.claimed, delayMs);
      },
      finish: async (run) => {
        await this.leases.finish(run.claimed);
      },
      stopProvider: async (run, code) => {
        run.notification.stopped = { ...run.notification.stopped, [run.claimed.provider]: code };
        await this.notifications.stopProvider(run.notification.id, run.claimed.provider, code);
      },
      markChanged: (run) => this.rollUp.mark(run.notification.id),
      warn: (event, error) =>
        this.logger.warn({ event, reason: error instanceof Error ? error.message : String(error) }),
    };
  }

  private async refresh(runs: readonly BatchRun[]): Promise<void> {
    const states = await this.notifications.liveStates([...new Set(runs.map((run) => run.notification.id))]);
    for (const run of runs) {
      const live = states.get(run.notification.id);
      if (!live) continue;
      run.notification.state = live.state;
      run.notification.stopped = live.stopped;
    }
    await this.gates.refresh([...new Set(runs.map((run) => run.claimed.applicationId))]);
  }

  private async renew(runs: readonly BatchRun[]): Promise<number> {
    const { held, deadlineMs } = await this.leases.renew(runs.map((run) => run.claimed));
    const keys = new Set(held.map(keyOf));
    for (const run of runs) {
      if (!run.isDone && !keys.has(keyOf([run.claimed.notificationId, run.claimed.batchNo]))) run.isFenced = true;
    }
    return deadlineMs;
  }
}

function keyOf(ref: BatchRef): string {
  return `${ref[0]} ${ref[1]}`;
}
