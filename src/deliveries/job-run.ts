import { type Attempt, RESULT, type ResultName, type TerminalStatus } from '../batches/batch.js';
import type { Outcome } from '../providers/provider.js';
import type { BatchRun } from './batch-run.js';
import type { Answer, Checkpointer } from './checkpointer.js';
import { Probes } from './probes.js';
import type { SendingContext } from './sending-context.js';
import { ACCEPTED, type Settlement, type Situation, settle } from './settle.js';

/** A checkpoint is due at so many answers … */
const CHECKPOINT_ANSWERS = 100;
/** … or so many milliseconds after the first unwritten one. */
const CHECKPOINT_MS = 50;
/** Milliseconds between looks at what may have changed: notification, gates, lease. */
const LOOK_MS = 1_000;
const RENEW_EVERY_LOOKS = 5;
/** Milliseconds for which answers are kept while Postgres is away; then the lease has long run out. */
const GIVE_UP_MS = 60_000;

/**
 * Sends the batches of one job: a sliding window over their deliveries, checkpoints while it slides. Ends when each batch is
 * done, given back, or somebody else's. Event-driven: an answer makes room, and room starts the next send.
 */
export class JobRun {
  private inFlight = 0;
  /** Batches before it have nothing to send at the moment. */
  private firstUnsent = 0;
  private isWriting = false;
  private isDraining = false;
  private writeTimer: NodeJS.Timeout | undefined;
  private failingSinceMs: number | undefined;
  private sideWork: Promise<unknown>[] = [];
  private readonly finished = Promise.withResolvers<void>();

  constructor(
    private readonly runs: readonly BatchRun[],
    private readonly checkpointer: Checkpointer,
    private readonly context: SendingContext,
    private readonly probes: Probes,
    private deadlineMs: number,
  ) {}

  /** Resolves when nothing is left to do here. */
  async run(): Promise<void> {
    let looks = 0;
    const look = setInterval(() => {
      looks += 1;
      this.aside(this.look(looks % RENEW_EVERY_LOOKS === 0));
    }, LOOK_MS);
    try {
      for (const run of this.runs) this.endOpenIntents(run);
      this.pump();
      await this.finished.promise;
      await Promise.all(this.sideWork);
    } finally {
      clearInterval(look);
      clearTimeout(this.writeTimer);
    }
    for (const run of this.runs) await this.handOver(run);
  }

  /** Stops starting sends; what is in flight ends normally and the rest is given back at once. */
  drain(): void {
    this.isDraining = true;
    for (const run of this.runs) run.hold(0);
    this.pump();
  }

  /** Takes a provider's answer. */
  report(run: BatchRun, position: number, outcome: Outcome, latencyMs: number): void {
    this.inFlight -= 1;
    const settlement = outcome.kind === 'accepted' ? ACCEPTED : settle(outcome, this.situationOf(run));
    const nowMs = this.context.nowMs();
    this.record(run, position, settlement, outcome, latencyMs, nowMs);
    this.carryOut(run, position, settlement, outcome, nowMs);
    this.pump();
  }

  private situationOf(run: BatchRun): Situation {
    return {
      semantics: run.notification.semantics,
      step: run.claimed.step,
      remainingMs: this.context.remainingMs(run),
      random: this.context.random(),
    };
  }

  private pump(): void {
    while (this.inFlight + this.checkpointer.unwritten < this.context.window && this.startNext());
    if (this.checkpointer.unwritten >= CHECKPOINT_ANSWERS) this.write();
    else if (this.checkpointer.unwritten > 0) this.writeTimer ??= setTimeout(() => this.write(), CHECKPOINT_MS);
    if (this.isFinished()) {
      if (this.checkpointer.unwritten > 0 || this.runs.some((run) => run.isDirty && !run.isFenced && !run.isDone))
        this.write();
      else this.finished.resolve();
    }
  }

  private isFinished(): boolean {
    return this.inFlight === 0 && !this.isWriting && this.runs.every((run) => run.isFenced || !run.hasUnsent);
  }

  /** Starts or ends one more delivery; false when none can be now. */
  private startNext(): boolean {
    if (this.context.nowMs() >= this.deadlineMs) return false;
    let isUsedUp = true;
    for (let i = this.firstUnsent; i < this.runs.length; i += 1) {
      const run = this.runs[i];
      if (run === undefined || run.isFenced || !run.hasUnsent) {
        if (isUsedUp) this.firstUnsent = i + 1;
        continue;
      }
      isUsedUp = false;
      if (run.isSuspect && this.inFlight > 0) continue;
      const position = run.next();
      if (position !== undefined) {
        this.start(run, position);
        return true;
      }
      if (this.isWriting) continue;
      const marked = run.markIntents();
      if (marked.length > 0) {
        this.write(() => this.onIntentsCommitted(run, marked));
        return false;
      }
    }
    return false;
  }

  private onIntentsCommitted(run: BatchRun, marked: readonly number[]): void {
    run.intentsCommitted(marked);
    this.firstUnsent = 0;
  }

  private start(run: BatchRun, position: number): void {
    const ended = this.context.endWithoutCall(run, position);
    if (ended) {
      this.endUnsent(run, position, ended.status, ended.code);
      return;
    }
    const target = run.targets[position];
    if (!target || !run.sender) return;
    const passage = this.probes.passage(run, target.token);
    if (passage.kind === 'wait') {
      if (passage.scope === '') {
        run.set(position, RESULT.pending);
        run.hold(passage.forMs);
      } else {
        this.postpone(run, position, passage.forMs);
      }
      return;
    }
    this.inFlight += 1;
    run.sentAtMs[position] = this.context.nowMs();
    run.sender.send(position, target, this.context.timing(run));
  }

  /** One push service is closed while others are open: this delivery waits in a child batch, the rest goes on. */
  private postpone(run: BatchRun, position: number, forMs: number): void {
    const isInTime = forMs < this.context.remainingMs(run);
    if (isInTime)
      this.log(run, position, this.context.nowMs(), 'moved', unsent('gated', 'gate_closed', 'pending', forMs));
    else this.endUnsent(run, position, 'expired', 'ttl_expired');
  }

  private endUnsent(run: BatchRun, position: number, status: TerminalStatus, code: string): void {
    this.log(run, position, this.context.nowMs(), status, unsent('', code, status, null));
  }

  /** What was open when a worker died: unknown where a repeat is forbidden, poison where it killed twice. */
  private endOpenIntents(run: BatchRun): void {
    const atMostOnce = run.notification.semantics === 'at_most_once';
    for (const position of run.openIntents()) {
      run.drop(position);
      this.endUnsent(run, position, atMostOnce ? 'unknown' : 'failed', atMostOnce ? 'worker_lost' : 'poison');
    }
  }

  private record(
    run: BatchRun,
    position: number,
    settlement: Settlement,
    outcome: Outcome,
    latencyMs: number,
    nowMs: number,
  ): void {
    const { fate } = settlement;
    const isAccepted = outcome.kind === 'accepted';
    const answer = this.log(run, position, nowMs, resultOf(fate), {
      isCall: true,
      outcome: outcome.kind,
      code: outcome.code,
      statusAfter: fate.kind === 'ended' ? fate.status : 'pending',
      retryInMs: fate.kind === 'retry' ? fate.inMs : null,
      providerMessageId: isAccepted ? (outcome.providerMessageId ?? null) : null,
      latencyMs,
      detail: isAccepted ? null : (outcome.detail ?? null),
    });
    const device = settlement.device && run.targets[position];
    if (!device || !settlement.device) return;
    const { token } = device;
    const since = settlement.invalidSince;
    const verdict = { deviceId: device.id, token, code: outcome.code, ...(since && { since }) };
    answer.verdict = { effect: settlement.device, sentAtMs: run.sentAtMs[position] ?? answer.answeredAtMs, verdict };
  }

  private log(run: BatchRun, position: number, answeredAtMs: number, result: ResultName, entry: Entry): Answer {
    run.set(position, RESULT[result]);
    // Spelt out: a spread costs more than all the rest of it.
    const answer: Answer = {
      run,
      batch: 0,
      deviceId: run.claimed.deviceIds[position] ?? 0,
      isCall: entry.isCall,
      outcome: entry.outcome,
      code: entry.code,
      statusAfter: entry.statusAfter,
      retryInMs: entry.retryInMs,
      providerMessageId: entry.providerMessageId,
      latencyMs: entry.latencyMs,
      detail: entry.detail,
      ageMs: 0,
      answeredAtMs,
    };
    this.checkpointer.add(answer);
    return answer;
  }

  private carryOut(run: BatchRun, position: number, settlement: Settlement, outcome: Outcome, nowMs: number): void {
    this.aside(this.probes.report(run, run.targets[position]?.token ?? '', settlement, outcome, nowMs));
    if (settlement.fate.kind === 'held') run.hold(0);
    if (settlement.message && run.stopTally.count(settlement.message, outcome.code)) {
      this.aside(this.context.stopProvider(run, outcome.code));
    }
  }

  /** Sees pauses, cancellations and gates that others closed, and keeps the leases. */
  private async look(renew: boolean): Promise<void> {
    await this.context.refresh(this.runs);
    for (const run of this.runs) {
      if (run.notification.state === 'paused') run.hold(LOOK_MS);
    }
    if (renew) {
      const live = this.runs.filter((run) => !run.isFenced && !run.isDone);
      if (live.length > 0) this.deadlineMs = await this.context.renew(live);
    }
    this.pump();
  }

  private write(onCommitted?: () => void): void {
    if (this.isWriting) return;
    this.isWriting = true;
    clearTimeout(this.writeTimer);
    this.writeTimer = undefined;
    this.checkpointer.write().then(
      () => {
        this.isWriting = false;
        this.failingSinceMs = undefined;
        this.markRolledUp();
        onCommitted?.();
        this.pump();
      },
      (error: unknown) => {
        this.failingSinceMs ??= this.context.nowMs();
        if (this.context.nowMs() - this.failingSinceMs > GIVE_UP_MS) {
          this.finished.reject(error);
          return;
        }
        // Postgres is away: sending has stopped at the window; try again until the lease is certainly somebody else's.
        setTimeout(() => {
          this.isWriting = false;
          this.write(onCommitted);
        }, LOOK_MS);
      },
    );
  }

  private markRolledUp(): void {
    for (const run of this.runs) {
      if (run.isDone || run.isFenced) continue;
      this.context.markChanged(run);
    }
  }

  private async handOver(run: BatchRun): Promise<void> {
    if (!run.isFenced && !run.isDone) {
      if (run.hasPending) await this.context.release(run, this.isDraining ? 0 : (run.holdMs ?? 0));
      else await this.context.finish(run);
    }
    this.context.markChanged(run);
  }

  private aside(work: Promise<unknown> | undefined): void {
    if (!work) return;
    const handled = work.catch((error: unknown) => this.context.warn('job.side_work_failed', error));
    this.sideWork.push(handled);
  }
}

/** An entry of the log, but for the delivery that it is about. */
type Entry = Omit<Attempt, 'batch' | 'ageMs' | 'deviceId'>;

/** An entry for a delivery that no provider was called for. */
function unsent(outcome: string, code: string, statusAfter: string, retryInMs: number | null): Entry {
  const nothing = { providerMessageId: null, latencyMs: null, detail: null };
  return { isCall: false, outcome, code, statusAfter, retryInMs, ...nothing };
}

function resultOf(fate: Settlement['fate']): ResultName {
  if (fate.kind === 'ended') return fate.status;
  return fate.kind === 'retry' ? 'moved' : 'pending';
}
