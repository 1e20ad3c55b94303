import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { LATENCY_BOUNDS_MS } from '../batches/batch.js';
import { Metrics } from '../http/metrics.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { AttemptTotals } from './attempt-totals.js';
import type { Tally } from './stats.js';
import { StatsRepository } from './stats.repository.js';
import { StoredHistogram, type StoredSeries } from './stored-histogram.js';
import { SystemRepository } from './system.repository.js';
import { lanesOf } from './system.service.js';

/** Minutes back, and notifications at most, whose books every scrape checks. */
const AUDITED_MINUTES = 15;
const AUDITED_NOTIFICATIONS = 1_000;
/** Milliseconds for which the audit's answer serves; it is the one collector whose cost grows with the traffic. */
const AUDIT_REUSE_MS = 30_000;
/** Milliseconds. An id is made before its row is committed; later than this it no longer is. */
const COMMIT_MS = 30_000;

/**
 * What Prometheus reads from Postgres. The figures are those of the whole installation, so every api node shows the same
 * ones: take their `max`, not their sum. Of several processes behind one port, the one that answers shows them, unlabelled.
 *
 * - `carillon_attempts_total{provider,outcome,code}`: provider calls since ever.
 * - `carillon_attempt_latency_seconds{provider}`: how long they took, a histogram.
 * - `carillon_lane_deliveries{lane,provider,state}`: `due` (could be sent now), `sending`, `waiting` (for their retry), `paused`.
 * - `carillon_lane_oldest_due_seconds{lane}`: how long the oldest due delivery has been due; 0 when nothing is.
 * - `carillon_gates_closed{provider,kind}`: gates closed or half open; kind `throttled`, `breaker` or `credential`.
 * - `carillon_mass_guards{provider}`: mass guards that hold.
 * - `carillon_notifications_unplanned`: notifications whose audience is not resolved yet, though it is time.
 * - `carillon_notifications_accepted_total`: notifications accepted since this process started; so it is the process's, and
 *   would seem to fall if several took turns to show it.
 * - `carillon_invariant_violations`: recent notifications whose counts do not add up. Anything but 0 is a bug of ours; the log
 *   names them (`invariant.violated`).
 */
@Injectable()
export class FleetMetrics implements OnModuleInit {
  private readonly logger = new Logger(FleetMetrics.name);
  private readonly totals: AttemptTotals;
  private accepted = { settled: 0, before: new Date(0) };
  private audit: { atMs: number; violations: number } | undefined;

  constructor(
    private readonly metrics: Metrics,
    private readonly system: SystemRepository,
    stats: StatsRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.totals = new AttemptTotals(stats);
  }

  async onModuleInit(): Promise<void> {
    this.accepted.before = await this.system.now();
    this.collectAttempts();
    this.collectLanes();
    this.collectGates();
    this.collectNotifications();
  }

  private gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.metrics.installation] });
  }

  private collectAttempts(): void {
    const attempts = new Counter({
      name: 'carillon_attempts_total',
      help: 'Provider calls.',
      labelNames: ['provider', 'outcome', 'code'],
      registers: [this.metrics.installation],
    });
    const latency = new StoredHistogram({
      name: 'carillon_attempt_latency_seconds',
      help: 'How long provider calls took.',
      bounds: LATENCY_BOUNDS_MS.map((ms) => ms / 1000),
      labelNames: ['provider'],
      registry: this.metrics.installation,
    });
    this.metrics.onScrape(async () => {
      const tallies = await this.totals.read();
      attempts.reset();
      for (const { provider, outcome, code, n } of tallies) attempts.inc({ provider, outcome, code }, n);
      latency.set(latencySeries(tallies));
    }, 'installation');
  }

  private collectLanes(): void {
    const deliveries = this.gauge('carillon_lane_deliveries', 'Unsent deliveries.', ['lane', 'provider', 'state']);
    const oldest = this.gauge('carillon_lane_oldest_due_seconds', 'Age of the oldest due delivery.', ['lane']);
    this.metrics.onScrape(async () => {
      const lanes = lanesOf(await this.system.laneDepths(), await this.system.now());
      deliveries.reset();
      for (const { lane, providers, oldestDueSeconds } of lanes) {
        oldest.set({ lane }, oldestDueSeconds ?? 0);
        for (const { provider, due, sending, waiting, paused } of providers) {
          for (const [state, n] of Object.entries({ due, sending, waiting, paused })) {
            deliveries.set({ lane, provider, state }, n);
          }
        }
      }
    }, 'installation');
  }

  private collectGates(): void {
    const gates = this.gauge('carillon_gates_closed', 'Gates that are closed or half open.', ['provider', 'kind']);
    const guards = this.gauge('carillon_mass_guards', 'Mass guards that hold.', ['provider']);
    this.metrics.onScrape(async () => {
      const [closed, held] = await Promise.all([this.system.gates(), this.system.massGuards()]);
      gates.reset();
      guards.reset();
      for (const { provider, kind } of closed) gates.inc({ provider, kind });
      for (const { provider } of held) guards.inc({ provider });
    }, 'installation');
  }

  private collectNotifications(): void {
    const unplanned = this.gauge('carillon_notifications_unplanned', 'Notifications due to be planned.');
    const violations = this.gauge('carillon_invariant_violations', 'Recent notifications whose counts do not add up.');
    this.metrics.onScrape(async () => {
      unplanned.set(await this.system.unplanned());
      violations.set(await this.countViolations());
    }, 'installation');
    const accepted = new Counter({
      name: 'carillon_notifications_accepted_total',
      help: 'Notifications accepted by the installation since this process started.',
      registers: [this.metrics.registry],
    });
    this.metrics.onScrape(async () => {
      const total = await this.countAccepted();
      accepted.reset();
      accepted.inc(total);
    });
  }

  /** What can still be joined by a late commit is counted anew each time. */
  private async countAccepted(): Promise<number> {
    const now = await this.system.now();
    const border = new Date(now.getTime() - COMMIT_MS);
    const known = this.accepted;
    if (border > known.before) {
      const settled = await this.system.accepted(known.before, border);
      this.accepted = { settled: known.settled + settled, before: border };
    }
    const { settled, before } = this.accepted;
    return settled + (await this.system.accepted(before, new Date(now.getTime() + COMMIT_MS)));
  }

  private async countViolations(): Promise<number> {
    const nowMs = this.clock.monotonicMs();
    if (this.audit && nowMs - this.audit.atMs < AUDIT_REUSE_MS) return this.audit.violations;
    const found = await this.system.violations(AUDITED_MINUTES, AUDITED_NOTIFICATIONS);
    const violations = new Set(found.map((one) => one.notificationId)).size;
    if (violations > 0) this.logger.error({ event: 'invariant.violated', violations, first: found.slice(0, 10) });
    this.audit = { atMs: nowMs, violations };
    return violations;
  }
}

function latencySeries(tallies: readonly Tally[]): StoredSeries[] {
  return [...Map.groupBy(tallies, (tally) => tally.provider)].map(([provider, group]) => ({
    labels: { provider },
    buckets: Array.from({ length: LATENCY_BOUNDS_MS.length + 1 }, (_, i) =>
      group.reduce((sum, tally) => sum + (tally.latencyBuckets[i] ?? 0), 0),
    ),
    sum: group.reduce((sum, tally) => sum + tally.latencySumMs, 0) / 1000,
  }));
}
