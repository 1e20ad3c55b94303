import type { CredentialsService } from '../applications/credentials.service.js';
import type { Credential, Outcome, Provider } from '../providers/provider.js';
import type { BatchRun } from './batch-run.js';
import type { Breaker } from './breaker.js';
import type { Gates } from './gates.js';
import type { Settlement } from './settle.js';

/** More than a gate ever grants. */
const MAX_PROBES = 10;
/** Milliseconds until a batch that found no probe left is due again. */
const RETRY_PROBE_MS = 1_000;

/** The scope of a gate over everything that an application sends through one provider. */
const WHOLE_PROVIDER = [''];

interface Tally {
  left: number;
  sent: number;
  good: number;
  bad: number;
}

/** May this delivery pass? `wait`: not now; '' is the gate over the whole provider. */
export type ProbePassage = { kind: 'go' } | { kind: 'wait'; scope: string; forMs: number };

const GO: ProbePassage = { kind: 'go' };

/**
 * One job's dealings with the gates: asks before each send, tells after each answer, and where a gate is half-open sends no
 * more than the probes it was granted and then judges by them.
 */
export class Probes {
  private readonly tallies = new Map<string, Tally>();
  /** Of the gates over a whole provider. */
  private readonly breakers = new Map<BatchRun, Breaker>();

  constructor(
    private readonly gates: Gates,
    private readonly credentials: CredentialsService,
    private readonly used: (run: BatchRun) => Credential | undefined,
    private readonly provider: (run: BatchRun) => Provider,
  ) {}

  /** Takes probes for every half-open gate that these batches would pass. */
  async prepare(runs: readonly BatchRun[]): Promise<void> {
    if (this.gates.areAllOpen) return;
    for (const run of runs) {
      const scopes = new Set(['']);
      for (const target of run.targets) if (target) scopes.add(this.provider(run).scopeOf(target.token));
      for (const scope of scopes) await this.take(run, scope);
    }
  }

  passage(run: BatchRun, token: string): ProbePassage {
    if (this.gates.areAllOpen) return GO;
    for (const scope of this.scopesOf(run, token)) {
      const { applicationId, provider } = run.claimed;
      const passage = this.gates.passage(applicationId, provider, scope);
      if (passage.kind === 'open') continue;
      if (passage.kind === 'closed') return { kind: 'wait', scope, forMs: passage.forMs };
      const tally = this.tallies.get(keyOf(run, scope));
      if (!tally || tally.left === 0) return { kind: 'wait', scope, forMs: RETRY_PROBE_MS };
      tally.left -= 1;
      tally.sent += 1;
    }
    return GO;
  }

  /** Carries out what an answer means for gates, breaker and credential. Undefined when it means nothing. */
  report(
    run: BatchRun,
    token: string,
    settlement: Settlement,
    outcome: Outcome,
    nowMs: number,
  ): Promise<void> | undefined {
    const scope = this.provider(run).scopeOf(token);
    if (this.tallies.size === 0) return this.closing(run, scope, settlement, outcome, nowMs);
    const judging = this.scopesOf(run, token).map((one) => this.judge(run, one, settlement));
    return Promise.all([...judging, this.closing(run, scope, settlement, outcome, nowMs)]).then(() => undefined);
  }

  private closing(
    run: BatchRun,
    scope: string,
    settlement: Settlement,
    outcome: Outcome,
    nowMs: number,
  ): Promise<void> | undefined {
    const { gate, breaker } = settlement;
    if (gate?.kind === 'credential') return this.breakCredential(run, outcome.code);
    const isTripped = breaker !== undefined && this.breakerOf(run, scope).record(breaker, nowMs);
    if (!gate && !isTripped) return undefined;
    const { applicationId, provider } = run.claimed;
    if (this.gates.passage(applicationId, provider, scope).kind === 'closed') return undefined;
    const cause = gate ? { kind: gate.kind, forMs: gate.forMs } : { kind: 'breaker' as const };
    return this.gates.close(applicationId, provider, scope, { ...cause, reason: outcome.code });
  }

  private breakerOf(run: BatchRun, scope: string): Breaker {
    const { applicationId, provider } = run.claimed;
    if (scope !== '') return this.gates.breakerOf(applicationId, provider, scope);
    let breaker = this.breakers.get(run);
    if (breaker === undefined) {
      breaker = this.gates.breakerOf(applicationId, provider, '');
      this.breakers.set(run, breaker);
    }
    return breaker;
  }

  private async take(run: BatchRun, scope: string): Promise<void> {
    const key = keyOf(run, scope);
    const { applicationId, provider } = run.claimed;
    if (this.tallies.has(key) || this.gates.passage(applicationId, provider, scope).kind !== 'half_open') return;
    const left = await this.gates.takeProbes(applicationId, provider, scope, MAX_PROBES);
    this.tallies.set(key, { left, sent: 0, good: 0, bad: 0 });
  }

  /** Half-open gates open when at least half of the probes went well, and close again otherwise. */
  private judge(run: BatchRun, scope: string, settlement: Settlement): Promise<void> | undefined {
    const tally = this.tallies.get(keyOf(run, scope));
    if (!tally || tally.sent === 0) return undefined;
    if (settlement.breaker === 'success') tally.good += 1;
    else tally.bad += 1;
    if (tally.good + tally.bad < tally.sent || (tally.left > 0 && run.hasUnsent)) return undefined;
    this.tallies.delete(keyOf(run, scope));
    const { applicationId, provider } = run.claimed;
    if (tally.good >= tally.bad) return this.opened(run, scope);
    if (settlement.gate) return undefined;
    return this.gates.close(applicationId, provider, scope, { kind: 'breaker', reason: 'probes failed' });
  }

  private async opened(run: BatchRun, scope: string): Promise<void> {
    const { applicationId, provider } = run.claimed;
    await this.gates.open(applicationId, provider, scope);
    const credential = this.used(run);
    if (scope === '' && credential) await this.credentials.markWorking(applicationId, provider, credential.version);
  }

  /** A credential that was replaced while the push was out says nothing about the new one. */
  private async breakCredential(run: BatchRun, reason: string): Promise<void> {
    const { applicationId, provider } = run.claimed;
    const credential = this.used(run);
    if (!credential || this.gates.passage(applicationId, provider, '').kind === 'closed') return;
    if (await this.credentials.markBroken(applicationId, provider, credential.version, reason)) {
      await this.gates.close(applicationId, provider, '', { kind: 'credential', reason });
    }
  }

  private scopesOf(run: BatchRun, token: string): readonly string[] {
    const scope = this.provider(run).scopeOf(token);
    return scope === '' ? WHOLE_PROVIDER : ['', scope];
  }
}

function keyOf(run: BatchRun, scope: string): string {
  return `${run.claimed.applicationId} ${run.claimed.provider} ${scope}`;
}
