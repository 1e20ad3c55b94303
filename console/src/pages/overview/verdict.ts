import type { Overview, Provider } from './overview.js';

/** One thing that is not as it should be. `since` undefined: it is not known. */
export type Trouble = { since?: string | undefined } & (
  | { kind: 'credential'; provider: Provider; reason: string | null }
  | { kind: 'expiring'; provider: Provider; expiresAt: string }
  | {
      kind: 'throttled' | 'breaker' | 'rejected' | 'missing';
      provider: Provider;
      scope: string;
      reason: string;
      closedUntil: string;
      isProbing: boolean;
    }
  | { kind: 'failing'; share: number }
  | { kind: 'stuck'; deliveries: number }
  | { kind: 'webhook'; id: string; url: string }
);

export type TroubleKind = Trouble['kind'];

/** Minutes over which a share of failures says something. */
const FAILING_MINUTES = 5;
/** Of calls that were not accepted. Dead tokens alone, however many, are no trouble: a first campaign finds them. */
const FAILING_SHARE = 0.5;
/** Fewer calls than these may all fail by chance. */
const FAILING_ATTEMPTS = 20;
/** Due for longer than this, while nothing is sent, no worker takes them. */
const STUCK_SECONDS = 60;
/** The reason of a gate that waits for somebody to store one. */
const NO_CREDENTIAL = 'no_credential';
const EXPIRING_MS = 30 * 86_400_000;

/** What is wrong, the worst first; empty when all is well. Pure. */
export function troublesOf(overview: Overview): Trouble[] {
  return [
    ...credentials(overview),
    ...gates(overview),
    ...stuck(overview),
    ...failing(overview),
    ...overview.webhooks.map(({ id, url, failingSince }) => ({
      kind: 'webhook' as const,
      id,
      url,
      since: failingSince,
    })),
    ...expiring(overview),
  ];
}

function credentials({ credentials, gates }: Overview): Trouble[] {
  return credentials
    .filter(({ state }) => state === 'broken')
    .map(({ provider, reason }) => {
      const gate = gates.find((each) => each.provider === provider && each.kind === 'credential');
      return { kind: 'credential', provider, reason, since: gate?.since };
    });
}

/** The gate of a broken credential says nothing that the credential does not. */
function gates({ credentials, gates }: Overview): Trouble[] {
  const broken = new Set(credentials.filter(({ state }) => state === 'broken').map(({ provider }) => provider));
  return gates
    .filter(({ kind, provider }) => !(kind === 'credential' && broken.has(provider)))
    .map(({ kind, provider, scope, reason, closedUntil, since, state }) => ({
      kind: kind === 'credential' ? (reason === NO_CREDENTIAL ? 'missing' : 'rejected') : kind,
      provider,
      scope,
      reason,
      closedUntil,
      isProbing: state === 'half_open',
      since,
    }));
}

/** A closed gate explains why deliveries wait; without one, nobody takes them. */
function stuck({ at, lanes, gates, perSecond }: Overview): Trouble[] {
  const late = lanes.filter(({ oldestDueSeconds }) => (oldestDueSeconds ?? 0) > STUCK_SECONDS);
  if (perSecond > 0 || late.length === 0 || gates.length > 0) return [];
  const oldest = Math.max(...late.map(({ oldestDueSeconds }) => oldestDueSeconds ?? 0));
  return [
    {
      kind: 'stuck',
      deliveries: late.reduce((sum, { due }) => sum + due, 0),
      since: new Date(Date.parse(at) - oldest * 1_000).toISOString(),
    },
  ];
}

function failing({ minutes }: Overview): Trouble[] {
  const latest = minutes.slice(-FAILING_MINUTES);
  const attempts = latest.reduce((sum, minute) => sum + minute.attempts, 0);
  const accepted = latest.reduce((sum, minute) => sum + minute.accepted, 0);
  const share = 1 - accepted / attempts;
  if (attempts < FAILING_ATTEMPTS || share < FAILING_SHARE) return [];
  const isWell = (minute: Overview['minutes'][number]) =>
    minute.attempts > 0 && 1 - minute.accepted / minute.attempts < FAILING_SHARE;
  const since = minutes.slice(minutes.findLastIndex(isWell) + 1).find((minute) => minute.attempts > 0)?.at;
  return [{ kind: 'failing', share, since }];
}

function expiring({ at, credentials }: Overview): Trouble[] {
  return credentials.flatMap(({ provider, state, expiresAt }) =>
    state === 'ok' && expiresAt !== null && Date.parse(expiresAt) - Date.parse(at) < EXPIRING_MS
      ? [{ kind: 'expiring' as const, provider, expiresAt }]
      : [],
  );
}
