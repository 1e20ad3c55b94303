import { describe, expect, it } from 'vitest';
import type { Overview } from '../../console/src/pages/overview/overview.js';
import { troublesOf } from '../../console/src/pages/overview/verdict.js';

const AT = Date.parse('2026-11-23T14:05:30.000Z');
const ago = (seconds: number) => new Date(AT - seconds * 1_000).toISOString();

const LANE = { due: 0, sending: 0, waiting: 0, paused: 0, oldestDueSeconds: null, perSecond: 0 };
const WELL: Overview = {
  at: ago(0),
  minutes: [],
  perSecond: 0,
  successRate: null,
  latencyMs: null,
  providers: [],
  lanes: [{ lane: 'normal', ...LANE }],
  gates: [],
  credentials: [{ provider: 'apns', state: 'ok', reason: null, advice: null, expiresAt: null }],
  failures: [],
  webhooks: [],
};
const GATE: Overview['gates'][number] = {
  provider: 'apns',
  scope: '',
  state: 'closed',
  kind: 'credential',
  reason: 'InvalidProviderToken',
  closedUntil: ago(-300),
  changedAt: ago(10),
  since: ago(900),
  advice: '',
};
const LATE: Overview['lanes'] = [{ lane: 'bulk', ...LANE, due: 7, oldestDueSeconds: 120 }];

/** One minute for each pair of calls and accepted ones, the newest last. */
const minutes = (...calls: (readonly [attempts: number, accepted: number])[]): Overview['minutes'] =>
  calls.map(([attempts, accepted], i) => {
    const at = ago((calls.length - 1 - i) * 60);
    return { at, attempts, accepted, failed: attempts - accepted, retried: 0, p95Ms: null };
  });

const credential = (more: Partial<Overview['credentials'][number]>): Overview['credentials'] => [
  { provider: 'apns', state: 'ok', reason: null, advice: null, expiresAt: null, ...more },
];

describe('what is wrong with an application', () => {
  const cases: [string, Partial<Overview>, object[]][] = [
    ['nothing', {}, []],
    ['nothing: deliveries wait their turn', { lanes: LATE, perSecond: 12 }, []],
    [
      'a broken credential, once, since its gate closed',
      { credentials: credential({ state: 'broken', reason: 'InvalidProviderToken' }), gates: [GATE] },
      [{ kind: 'credential', provider: 'apns', reason: 'InvalidProviderToken', since: ago(900) }],
    ],
    ['a credential that is missing', { gates: [{ ...GATE, reason: 'no_credential' }] }, [{ kind: 'missing' }]],
    ['a provider that refuses us', { gates: [GATE] }, [{ kind: 'rejected', isProbing: false }]],
    [
      'a quota and an outage',
      {
        gates: [
          { ...GATE, kind: 'throttled' },
          { ...GATE, kind: 'breaker', state: 'half_open' },
        ],
        lanes: LATE,
      },
      [{ kind: 'throttled' }, { kind: 'breaker', isProbing: true }],
    ],
    ['nobody who sends', { lanes: LATE }, [{ kind: 'stuck', deliveries: 7, since: ago(120) }]],
    [
      'calls that fail, since the last good minute',
      { minutes: minutes([50, 50], [0, 0], [40, 4], [40, 2]) },
      [{ kind: 'failing', share: expect.closeTo(0.569, 3), since: ago(60) }],
    ],
    ['nothing: a handful of calls', { minutes: minutes([19, 0]) }, []],
    ['nothing: a third of the tokens is dead', { minutes: minutes([1_000, 667]) }, []],
    ['a certificate that ends soon', { credentials: credential({ expiresAt: ago(-86_400) }) }, [{ kind: 'expiring' }]],
    ['nothing: it ends later', { credentials: credential({ expiresAt: ago(-31 * 86_400) }) }, []],
    [
      'a webhook',
      { webhooks: [{ id: 'w', url: 'https://hooks.example', failingSince: ago(5) }] },
      [{ kind: 'webhook', id: 'w', since: ago(5) }],
    ],
  ];
  it.each(cases)('%s', (_, state, expected) => {
    const found = troublesOf({ ...WELL, ...state });
    expect(found).toHaveLength(expected.length);
    expect(found).toMatchObject(expected);
  });
});
