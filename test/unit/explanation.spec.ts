import { describe, expect, it } from 'vitest';
import type { DeliveryStatus } from '../../src/deliveries/delivery.js';
import {
  type ClosedGate,
  type DeliveryFacts,
  type EntryFacts,
  explain,
  explainEntry,
  explainFailure,
} from '../../src/deliveries/explanation.js';
import { LANGUAGES } from '../../src/deliveries/explanations/texts.js';

const AT = new Date('2026-11-23T14:05:10.123Z');
const LATER = new Date('2026-11-24T14:05:00Z');
const NOTIFICATION = { state: 'sending', sendAt: AT, expiresAt: LATER, isLiveFirst: false } as const;

function entry(fields: Partial<EntryFacts>): EntryFacts {
  return {
    isCall: true,
    outcome: 'accepted',
    code: '200',
    statusAfter: 'accepted',
    retryAt: null,
    detail: null,
    ...fields,
  };
}

const ended = (statusAfter: DeliveryStatus, code: string) => entry({ isCall: false, outcome: '', code, statusAfter });
const retried = entry({ outcome: 'unavailable', code: 'UNAVAILABLE', statusAfter: 'pending', retryAt: AT });
const quotaGate: ClosedGate = {
  provider: 'fcm',
  scope: '',
  state: 'closed',
  kind: 'throttled',
  reason: 'QUOTA_EXCEEDED',
  closedUntil: AT,
};

function facts(fields: Partial<DeliveryFacts>): DeliveryFacts {
  return {
    provider: 'fcm',
    status: fields.entries?.at(-1)?.statusAfter ?? 'pending',
    entries: [],
    nextAttemptAt: null,
    receipts: [],
    isInHand: false,
    isUnplanned: false,
    notification: NOTIFICATION,
    gates: [],
    ...fields,
  };
}

const rows: [name: string, given: Partial<DeliveryFacts>, severity: string, title: string][] = [
  [
    'accepted without a receipt',
    { entries: [entry({})] },
    'info',
    'FCM accepted the message, but no receipt has come from the device',
  ],
  [
    'opened',
    { entries: [entry({})], receipts: ['delivered', 'opened'] },
    'ok',
    'Opened: the person opened the notification',
  ],
  [
    'displayed',
    { entries: [entry({})], receipts: ['displayed', 'delivered'] },
    'ok',
    'Displayed: the device showed the notification',
  ],
  [
    'a dead token',
    { entries: [entry({ outcome: 'token_invalid', code: 'UNREGISTERED', statusAfter: 'failed' })] },
    'problem',
    'The device token is dead: FCM no longer knows this app installation',
  ],
  [
    'a message that is too large',
    {
      provider: 'apns',
      entries: [entry({ outcome: 'message_invalid', code: 'PayloadTooLarge', statusAfter: 'failed' })],
    },
    'problem',
    'The message is too large for APNs',
  ],
  [
    'stopped because others were refused',
    { entries: [ended('failed', 'INVALID_ARGUMENT')] },
    'problem',
    'Not sent, because FCM had refused the same content for other devices: FCM refused the content of the message',
  ],
  [
    'poison',
    { entries: [ended('failed', 'poison')] },
    'problem',
    'Failed: workers died again and again while sending this delivery',
  ],
  [
    'expired unsent',
    { entries: [ended('expired', 'ttl_expired')] },
    'problem',
    'Expired: the time to live ran out before the message could be sent',
  ],
  [
    'expired between attempts',
    { entries: [retried, ended('expired', 'ttl_expired')] },
    'problem',
    'Expired: the time to live ran out between attempts. The latest one: FCM is overloaded or temporarily unavailable',
  ],
  ['cancelled', { entries: [ended('cancelled', 'cancelled')] }, 'info', 'Cancelled before it was sent'],
  [
    'cancelled between attempts',
    { entries: [retried, ended('cancelled', 'cancelled')] },
    'info',
    'Cancelled while it waited for another attempt',
  ],
  [
    'another user',
    { entries: [ended('suppressed', 'user_changed')] },
    'info',
    'Not sent: the device belongs to another user by now',
  ],
  [
    'seen on a screen',
    { entries: [ended('suppressed', 'acknowledged_live')] },
    'ok',
    'Not pushed: the person had already seen it on an open screen',
  ],
  [
    'a suppression that nobody named',
    { entries: [ended('suppressed', 'constructor')] },
    'problem',
    'Not sent: the device’s token was already known to be dead or refused',
  ],
  [
    'no answer, at most once',
    { entries: [entry({ outcome: 'ambiguous', code: 'timeout', statusAfter: 'unknown' })] },
    'problem',
    'Unknown: FCM did not answer in time',
  ],
  [
    'a lost worker',
    { entries: [ended('unknown', 'worker_lost')] },
    'problem',
    'Unknown: the worker was lost while sending',
  ],
  ['an end without its log', { status: 'failed' }, 'info', 'Ended, and its log is no longer kept'],
  ['queued', {}, 'waiting', 'Still in the queue: no attempt has been made yet'],
  ['in a worker’s hands', { isInHand: true }, 'waiting', 'Being sent right now'],
  ['paused', { notification: { ...NOTIFICATION, state: 'paused' } }, 'waiting', 'Held: the notification is paused'],
  [
    'scheduled',
    { isUnplanned: true, notification: { ...NOTIFICATION, state: 'scheduled' } },
    'waiting',
    'Scheduled: it goes out at 2026-11-23 14:05:10 UTC',
  ],
  [
    'being planned',
    { isUnplanned: true, notification: { ...NOTIFICATION, state: 'planning' } },
    'waiting',
    'Still being planned: this device has not had its turn in the audience',
  ],
  [
    'open screens first',
    { notification: { ...NOTIFICATION, isLiveFirst: true }, nextAttemptAt: AT },
    'waiting',
    'Waiting to see whether an open screen acknowledges it first',
  ],
  [
    'a retry',
    { entries: [retried], nextAttemptAt: AT },
    'waiting',
    'Waiting for another attempt: FCM is overloaded or temporarily unavailable',
  ],
  [
    'a 429 for everything',
    { gates: [quotaGate] },
    'waiting',
    'Held until 2026-11-23 14:05:10 UTC: FCM limits the sending rate (QUOTA_EXCEEDED)',
  ],
  [
    'another provider’s gate',
    { provider: 'apns', gates: [quotaGate] },
    'waiting',
    'Still in the queue: no attempt has been made yet',
  ],
  [
    'an outage',
    { gates: [{ ...quotaGate, kind: 'breaker', reason: 'UNAVAILABLE' }] },
    'waiting',
    'Held: FCM is failing, and Carillon waits for it to recover (UNAVAILABLE)',
  ],
  [
    'probes',
    { gates: [{ ...quotaGate, kind: 'breaker', state: 'half_open', reason: '503' }] },
    'waiting',
    'Held for a moment: Carillon is testing whether FCM works again (503)',
  ],
  [
    'a broken credential',
    { gates: [{ ...quotaGate, kind: 'credential', reason: 'invalid_grant' }] },
    'problem',
    'Held: the credential for FCM does not work: Google refused the key of the service account',
  ],
  [
    'no credential',
    { gates: [{ ...quotaGate, kind: 'credential', reason: 'no_credential' }] },
    'problem',
    'Held: the application has no credential for FCM',
  ],
  [
    'a replaced credential',
    { entries: [entry({ outcome: 'credential_invalid', code: 'invalid_grant', statusAfter: 'pending' })] },
    'waiting',
    'Waiting for another attempt: the credential of FCM was refused, and works again or was replaced',
  ],
  [
    'one push service closed',
    {
      provider: 'webpush',
      entries: [entry({ isCall: false, outcome: 'gated', code: 'gate_closed', statusAfter: 'pending', retryAt: AT })],
      gates: [{ ...quotaGate, provider: 'webpush', scope: 'https://push.example', kind: 'breaker', reason: '503' }],
      nextAttemptAt: AT,
    },
    'waiting',
    'Held: the push service of this browser is closed for now (503)',
  ],
];

describe('a delivery, explained', () => {
  it.each(rows)('%s', (_name, given, severity, title) => {
    expect(explain(facts(given), 'en')).toMatchObject({ severity, title });
  });

  it('says the same in Korean, and leaves nothing unsaid in either language', () => {
    for (const [, given, severity] of rows) {
      const found = LANGUAGES.map((language) => explain(facts(given), language));
      for (const explanation of found) {
        expect(explanation.severity).toBe(severity);
        expect(JSON.stringify(explanation)).not.toMatch(/[{]\p{L}+[}]|undefined|""/u);
        expect(explanation.title.length + explanation.meaning.length + explanation.action.length).toBeGreaterThan(40);
      }
      expect(found[1]?.title).toMatch(/[가-힣]/);
      expect(found[1]?.nextSteps.length).toBe(found[0]?.nextSteps.length);
    }
  });

  it('tells of a broken credential what to do about it', () => {
    const gate = { ...quotaGate, kind: 'credential', reason: 'invalid_grant' } as const;
    expect(explain(facts({ gates: [gate] }), 'en').nextSteps.join(' ')).toContain(
      'create a new one and store it in Carillon',
    );
  });

  it('never tells to wait for what has ended', () => {
    for (const [name, given, severity] of rows.filter(([, , found]) => found !== 'waiting')) {
      const { nextSteps } = explain(facts(given), 'en');
      expect(nextSteps.join(' '), `${name} (${severity})`).not.toContain('tries again by itself');
    }
  });

  it('says of each attempt what followed from it', () => {
    const actions = [
      retried,
      entry({ ...retried, outcome: 'ambiguous', code: 'timeout' }),
      entry({ ...retried, outcome: 'throttled', code: 'QUOTA_EXCEEDED' }),
      entry({ ...retried, outcome: 'not_processed', code: 'goaway' }),
      entry({ ...retried, statusAfter: 'expired', retryAt: null }),
      entry({ outcome: 'credential_invalid', code: 'invalid_grant', statusAfter: 'pending' }),
      ended('cancelled', 'cancelled'),
    ].map((one) => explainEntry(one, 'fcm', 'en').action);
    expect(actions.slice(0, 4).every((action) => action.includes('2026-11-23 14:05:10 UTC'))).toBe(true);
    expect(new Set(actions).size).toBe(actions.length);
    expect(actions.at(-1)).toBe('Carillon sent nothing to this device.');
  });

  it('explains a code of a notification’s failures without looking at a delivery', () => {
    const title = (code: string) => explainFailure({ provider: 'fcm', code }, 'en').title;
    expect(title('UNREGISTERED')).toBe('The device token is dead: FCM no longer knows this app installation');
    expect(title('ttl_expired')).toBe('Expired: the time to live ran out before the message could be sent');
    expect(title('poison')).toContain('workers died');
    expect(title('user_changed')).toContain('another user');
    expect(title('UNAVAILABLE')).toBe('FCM is overloaded or temporarily unavailable');
    expect(title('timeout')).toBe('FCM did not answer in time');
    expect(title('worker_lost')).toContain('worker was lost');
  });
});
