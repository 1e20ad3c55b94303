import { Injectable } from '@nestjs/common';
import { CredentialsService } from '../applications/credentials.service.js';
import { adviceOnCredential, adviceOnGate } from './advice.js';
import type { Overview } from './overview.dto.js';
import {
  countsOf,
  failuresOf,
  firstMinute,
  lanesWithRates,
  latencyOf,
  type MinuteTally,
  minutesOf,
  providersOf,
  type Rates,
  type Reading,
  ratesOf,
  settledMinute,
  successRateOf,
} from './overview.js';
import { OverviewRepository } from './overview.repository.js';
import { lanesOf } from './system.service.js';

/** Milliseconds between two readings of which one tells the speed since the other. */
const SHORTEST_MS = 500;
const LONGEST_MS = 30_000;
/** Applications whose last reading is kept. */
const MAX_KEPT = 1_000;

/** Is it working now? One application's last hour, and how things stand. */
@Injectable()
export class OverviewService {
  private readonly last = new Map<string, { reading: Reading; rates: Rates }>();

  constructor(
    private readonly repository: OverviewRepository,
    private readonly credentials: CredentialsService,
  ) {}

  async read(applicationId: string): Promise<Overview> {
    const at = await this.repository.now();
    const [tallies, depths, gates, credentials, webhooks] = await Promise.all([
      this.talliesAt(applicationId, at),
      this.repository.laneDepths(applicationId),
      this.repository.gates(applicationId),
      this.credentials.list(applicationId),
      this.repository.failingWebhooks(applicationId),
    ]);
    const reading = { at, tallies };
    const rates = this.ratesSinceLast(applicationId, reading);
    const lanes = lanesOf(depths, at).map(({ providers: _, ...lane }) => lane);
    return {
      at: at.toISOString(),
      minutes: minutesOf(reading).map((minute) => ({ ...minute, at: minute.at.toISOString() })),
      perSecond: rates.get('all') ?? 0,
      successRate: successRateOf(countsOf(tallies)),
      latencyMs: latencyOf(tallies),
      providers: providersOf(tallies, rates),
      lanes: lanesWithRates(lanes, rates),
      gates: gates.map(({ provider, scope, state, kind, reason, closedUntil, changedAt, since }) => ({
        ...{ provider, scope, state, kind, reason },
        closedUntil: closedUntil.toISOString(),
        changedAt: changedAt.toISOString(),
        since: since.toISOString(),
        advice: adviceOnGate(kind),
      })),
      credentials: credentials.map(({ provider, state, stateReason, publicParts }) => {
        const expiresAt = publicParts['certificateExpiresAt'] || null;
        const advice = adviceOnCredential(state, expiresAt === null ? null : new Date(expiresAt), at);
        return { provider, state, reason: stateReason, advice, expiresAt };
      }),
      failures: failuresOf(tallies).map((failure) => ({ ...failure, lastAt: failure.lastAt.toISOString() })),
      webhooks: webhooks.map(({ id, url, failingSince }) => ({ id, url, failingSince: failingSince.toISOString() })),
    };
  }

  /** Minutes that had ended well before the last reading are taken from it: they no longer change. */
  private async talliesAt(applicationId: string, at: Date): Promise<MinuteTally[]> {
    const first = firstMinute(at);
    const last = this.last.get(applicationId)?.reading;
    const settledBefore = last && last.at <= at ? settledMinute(last.at) : first;
    const from = settledBefore > first ? settledBefore : first;
    const known = last?.tallies.filter(({ minute }) => minute >= first && minute < from) ?? [];
    return [...known, ...(await this.repository.minutes(applicationId, from))];
  }

  /** Those who ask in quick succession see the same speed. */
  private ratesSinceLast(applicationId: string, reading: Reading): Rates {
    const last = this.last.get(applicationId);
    const elapsedMs = last ? reading.at.getTime() - last.reading.at.getTime() : Number.POSITIVE_INFINITY;
    if (last && elapsedMs >= 0 && elapsedMs < SHORTEST_MS) return last.rates;
    const isRecent = elapsedMs >= 0 && elapsedMs <= LONGEST_MS;
    const rates = ratesOf(isRecent ? last?.reading : undefined, reading);
    if (this.last.size >= MAX_KEPT) this.last.clear();
    this.last.set(applicationId, { reading, rates });
    return rates;
  }
}
