import { expect, it } from 'vitest';
import { problemsOf } from '../../src/http/validation.js';
import { acceptHeaders, notificationBody, previewBody } from '../../src/notifications/notifications.dto.js';

const minimal = { audience: { all: true }, content: { title: 'Hello' } };

/** The problems of a body as the API reports them. */
function problems(body: unknown): string[] {
  const parsed = notificationBody.safeParse(body);
  return parsed.success ? [] : problemsOf(parsed.error.issues).map(({ path, message }) => `${path}: ${message}`);
}

const content = (fields: object) => ({ ...minimal, content: fields });
const options = (fields: object) => ({ ...minimal, options: fields });

it.each([
  ['the least', minimal],
  [
    'everything',
    {
      audience: { userIds: ['u-1'] },
      content: {
        title: 't',
        body: 'b',
        imageUrl: 'https://example.org/i.png',
        clickUrl: 'shop://item/1',
        badge: 0,
        sound: 'ping.caf',
        data: { k: '' },
      },
      options: {
        ttlSeconds: 2_419_200,
        priority: 'normal',
        collapseKey: 'ü'.repeat(32),
        sendAt: '2027-03-01T12:00:00+09:00',
        lane: 'critical',
        semantics: 'at_most_once',
        dryRun: false,
      },
      overrides: { fcm: { android: {} }, apns: { headers: {}, payload: {} }, webpush: {} },
    },
  ],
  ['data alone', content({ data: { k: 'v' } })],
  ['a badge alone', content({ badge: 0 })],
])('takes %s', (_, body) => {
  expect(problems(body)).toEqual([]);
});

it('adds nothing to what was sent, so that the hash of a repeated request stays the same', () => {
  expect(notificationBody.parse(minimal)).toEqual(minimal);
});

it.each([
  [content({}), 'content: must have at least one of title, body, badge and data'],
  [content({ sound: 'x' }), 'content: must have at least one of title, body, badge and data'],
  [content({ title: 5 }), 'content.title: must be a string'],
  [content({ title: 'x'.repeat(1_025) }), 'content.title: must be at most 1024 characters'],
  [content({ title: 'x', badge: -1 }), 'content.badge: must be at least 0'],
  [content({ title: 'x', badge: 1.5 }), 'content.badge: must be a whole number'],
  [content({ data: { k: 1 } }), 'content.data.k: must be a string'],
  [content({ data: { k: { nested: 'x' } } }), 'content.data.k: must be a string'],
  [content({ title: 'x', imageUrl: '/i.png' }), 'content.imageUrl: must be an absolute http or https URL'],
  [
    content({ title: 'x', clickUrl: 'JavaScript:alert(1)' }),
    'content.clickUrl: must be an absolute URL, and not one that runs as code',
  ],
  [content({ title: 'x', subtitle: 'y' }), 'content.subtitle: is not a known field'],
  [options({ ttlSeconds: 2_419_201 }), 'options.ttlSeconds: must be at most 2419200 (28 days)'],
  [options({ ttlSeconds: -1 }), 'options.ttlSeconds: must be at least 0'],
  [options({ ttlSeconds: '60' }), 'options.ttlSeconds: must be a whole number'],
  [options({ collapseKey: 'ü'.repeat(33) }), 'options.collapseKey: must be at most 64 bytes in UTF-8, and is 66'],
  [options({ sendAt: 'tomorrow' }), 'options.sendAt: must be an RFC 3339 time such as "2027-01-31T09:30:00Z"'],
  [options({ sendAt: 1_800_000_000 }), 'options.sendAt: must be an RFC 3339 time such as "2027-01-31T09:30:00Z"'],
  [options({ lane: 'fast' }), 'options.lane: must be one of critical, normal, bulk'],
  [options({ ttl: 5 }), 'options.ttl: is not a known field'],
  [{ ...minimal, overrides: { gcm: {} } }, 'overrides.gcm: is not a known field'],
  [{ ...minimal, target: 'x' }, 'target: is not a known field'],
])('refuses %j', (body, problem) => {
  expect(problems(body)).toEqual([problem]);
});

it('refuses more than 1,000 ids and an audience of two kinds', () => {
  const ids = (count: number) => Array.from({ length: count }, (_, i) => `u-${i}`);
  expect(problems({ ...minimal, audience: { userIds: ids(1_000) } })).toEqual([]);
  expect(problems({ ...minimal, audience: { userIds: ids(1_001) } })[0]).toMatch(/^audience\.userIds: /);
  expect(problems({ ...minimal, audience: { all: true, topics: ['a'] } })[0]).toMatch(/^audience: /);
});

it('needs no audience for a preview', () => {
  expect(previewBody.safeParse({ content: { title: 'x' } }).success).toBe(true);
  expect(notificationBody.safeParse({ content: { title: 'x' } }).success).toBe(false);
});

it('takes idempotency keys of 1 to 255 characters', () => {
  const isTaken = (key: string) => acceptHeaders.safeParse({ 'idempotency-key': key }).success;
  expect([isTaken('k'), isTaken('k'.repeat(255)), isTaken(''), isTaken('k'.repeat(256))]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
