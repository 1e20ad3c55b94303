import { Inject, Injectable, Logger } from '@nestjs/common';
import { CLOCK, type Clock } from '../lib/clock.js';
import type { ProviderName } from '../lib/names.js';
import { Breaker } from './breaker.js';
import { type GateKind, type GateRow, GatesRepository } from './gates.repository.js';

/** Milliseconds. First wait of a tripped breaker; doubles with each trip in a row. */
const BREAKER_CLOSED_MS = 30_000;
/** Milliseconds between probes of a broken credential. */
const CREDENTIAL_PROBE_MS = 300_000;

/** What a gate says to one send. */
export type Passage =
  | { kind: 'open' }
  | { kind: 'closed'; forMs: number }
  /** Only a few probes may pass; take them with {@link Gates.takeProbes}. */
  | { kind: 'half_open' };

const OPEN: Passage = { kind: 'open' };

interface Entry {
  passage: 'closed' | 'half_open';
  /** On the monotonic clock. */
  untilMs: number;
}

/**
 * The gates as this process knows them: closed here at once, by others within a second (each job refreshes while it runs).
 * One breaker per gate counts the answers that this process saw.
 */
@Injectable()
export class Gates {
  private readonly logger = new Logger(Gates.name);
  private readonly entries = new Map<string, Entry>();
  private readonly breakers = new Map<string, Breaker>();

  constructor(
    private readonly repository: GatesRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Reads what is stored for these applications. */
  async refresh(applicationIds: readonly string[]): Promise<void> {
    const startMs = this.clock.monotonicMs();
    const rows = await this.repository.find(applicationIds);
    for (const key of this.entries.keys()) {
      if (applicationIds.some((id) => key.startsWith(id))) this.entries.delete(key);
    }
    for (const row of rows) this.remember(row, startMs);
  }

  /** No gate that this process knows of is closed. */
  get areAllOpen(): boolean {
    return this.entries.size === 0;
  }

  /** Whether a send may pass now. Costs one look-up. */
  passage(applicationId: string, provider: ProviderName, scope: string): Passage {
    if (this.entries.size === 0) return OPEN;
    const entry = this.entries.get(keyOf(applicationId, provider, scope));
    if (!entry) return OPEN;
    if (entry.passage === 'half_open') return { kind: 'half_open' };
    const forMs = entry.untilMs - this.clock.monotonicMs();
    return forMs > 0 ? { kind: 'closed', forMs } : OPEN;
  }

  /** Closes a gate here and for everybody. The local entry is set before the statement, so no further send passes. */
  async close(
    applicationId: string,
    provider: ProviderName,
    scope: string,
    cause: { kind: GateKind; reason: string; forMs?: number },
  ): Promise<void> {
    const forMs = cause.forMs ?? (cause.kind === 'credential' ? CREDENTIAL_PROBE_MS : BREAKER_CLOSED_MS);
    const key = keyOf(applicationId, provider, scope);
    const nowMs = this.clock.monotonicMs();
    const known = this.entries.get(key);
    this.entries.set(key, { passage: 'closed', untilMs: Math.max(nowMs + forMs, known?.untilMs ?? 0) });
    this.logger.warn({ event: 'gate.closed', applicationId, provider, kind: cause.kind, reason: cause.reason, forMs });
    const storedMs = await this.repository.close({ applicationId, provider, scope, ...cause, forMs });
    this.entries.set(key, { passage: 'closed', untilMs: nowMs + storedMs });
  }

  /** Counts the answers of a gate's requests in this process; when it trips, the caller answers with {@link close}. */
  breakerOf(applicationId: string, provider: ProviderName, scope: string): Breaker {
    const key = keyOf(applicationId, provider, scope);
    let breaker = this.breakers.get(key);
    if (!breaker) {
      breaker = new Breaker();
      this.breakers.set(key, breaker);
    }
    return breaker;
  }

  takeProbes(applicationId: string, provider: ProviderName, scope: string, want: number): Promise<number> {
    return this.repository.takeProbes(applicationId, provider, scope, want);
  }

  /** The probes went well: open for everybody. */
  async open(applicationId: string, provider: ProviderName, scope: string): Promise<void> {
    await this.repository.open(applicationId, provider, scope);
    this.entries.delete(keyOf(applicationId, provider, scope));
    this.logger.log({ event: 'gate.opened', applicationId, provider });
  }

  /** Moves gates on whose time has come; any node, every second. */
  advance(): Promise<void> {
    return this.repository.advance();
  }

  private remember(row: GateRow, startMs: number): void {
    if (row.state === 'closed' && row.remainingMs <= 0 && row.kind === 'throttled') return;
    this.entries.set(keyOf(row.applicationId, row.provider, row.scope), {
      passage: row.state === 'half_open' ? 'half_open' : 'closed',
      // A breaker that is due opens by way of half-open, which the sweep sets within a second.
      untilMs: startMs + Math.max(row.remainingMs, row.kind === 'throttled' ? 0 : 1_000),
    });
  }
}

function keyOf(applicationId: string, provider: ProviderName, scope: string): string {
  return `${applicationId} ${provider} ${scope}`;
}
