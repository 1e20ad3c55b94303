import { describe, expect, it } from 'vitest';
import type { Audience } from '../../src/devices/audience.js';
import { liveOptionsOf, noticeOf, noticeProblem, pushDelayMs } from '../../src/notifications/live.js';
import { draftNotification, type NotificationRequest } from '../../src/notifications/notification.js';

const NOW = new Date('2027-03-01T12:00:00Z');
const ID = '0195512f-8c00-7000-8000-000000000001';
const DAY = 86_400;

const users: Audience = { userIds: ['u-1'] };
const topics: Audience = { topics: ['news'] };
const everybody: Audience = { all: true };
const devices: Audience = { deviceIds: ['0195512f-8c00-4000-8000-000000000001'] };
const tags: Audience = { tags: { plan: 'pro' } };

const draft = (request: Partial<NotificationRequest>) =>
  draftNotification(ID, ID, { audience: users, content: { title: 'Hello' }, ...request }, NOW, true);

describe('what is kept of the wish', () => {
  it.each([
    [users, {}, { realtime: 'also' }],
    [users, { realtime: 'never' }, {}],
    [users, { realtime: 'only' }, { realtime: 'only' }],
    [users, { realtime: 'first' }, { realtime: 'first', realtimeWaitSeconds: 5 }],
    [users, { realtime: 'first', realtimeWaitSeconds: 60 }, { realtime: 'first', realtimeWaitSeconds: 60 }],
    [topics, {}, {}],
    [topics, { realtime: 'also' }, { realtime: 'also' }],
    [everybody, {}, {}],
    [everybody, { realtime: 'only' }, { realtime: 'only' }],
    [devices, {}, {}],
    [tags, { realtime: 'never' }, {}],
  ] as const)('%j, asked for %j: %j', (audience, asked, kept) => {
    expect(liveOptionsOf(audience, asked, DAY, true)).toEqual(kept);
  });

  it('costs an application nothing that has no screens, unless it asks', () => {
    expect(liveOptionsOf(users, {}, DAY, false)).toEqual({});
    expect(liveOptionsOf(users, { realtime: 'also' }, DAY, false)).toEqual({ realtime: 'also' });
  });

  it.each([
    [topics, { realtime: 'first' }, DAY, 'options.realtime'],
    [everybody, { realtime: 'first' }, DAY, 'options.realtime'],
    [devices, { realtime: 'also' }, DAY, 'options.realtime'],
    [tags, { realtime: 'only' }, DAY, 'options.realtime'],
    [users, { realtime: 'also', realtimeWaitSeconds: 5 }, DAY, 'options.realtimeWaitSeconds'],
    [users, { realtimeWaitSeconds: 5 }, DAY, 'options.realtimeWaitSeconds'],
    [users, { realtime: 'first', realtimeWaitSeconds: 30 }, 30, 'options.realtimeWaitSeconds'],
    [users, { realtime: 'first' }, 4, 'options.realtimeWaitSeconds'],
  ] as const)('%j, asked for %j with %d s to live, is refused by its path', (audience, asked, seconds, path) => {
    expect(() => liveOptionsOf(audience, asked, seconds, true)).toThrow(
      expect.objectContaining({ code: 'invalid_request', problems: [expect.objectContaining({ path })] }),
    );
  });
});

it('a push waits only where it comes second', () => {
  expect(pushDelayMs({ realtime: 'first', realtimeWaitSeconds: 7 })).toBe(7_000);
  expect(pushDelayMs({ realtime: 'also' })).toBeUndefined();
  expect(pushDelayMs({})).toBeUndefined();
});

describe('what is owed', () => {
  it('is the content as it was given, with the id and the key that it replaces by', () => {
    const content = { title: 'Hello', clickUrl: 'shop://item/1', badge: 0, data: { k: 'v' } };
    const notice = noticeOf(draft({ content, options: { collapseKey: 'c', ttlSeconds: 60 } }));
    expect(notice).toMatchObject({ kind: 'users', names: ['u-1'] });
    expect(JSON.parse(notice?.message ?? '')).toEqual({
      notificationId: ID,
      ...content,
      tag: 'c',
      expiresAt: '2027-03-01T12:01:00.000Z',
    });
  });

  it.each([
    [topics, { kind: 'topics', names: ['news'] }],
    [everybody, { kind: 'all', names: [] }],
  ] as const)('%j: one message for all', (audience, notice) => {
    expect(noticeOf(draft({ audience, options: { realtime: 'also' } }))).toMatchObject(notice);
  });

  it('is nothing where nobody asked for it', () => {
    expect(noticeOf(draft({ audience: everybody }))).toBeUndefined();
    expect(noticeOf(draft({ options: { realtime: 'never' } }))).toBeUndefined();
  });

  it('has to fit into a message', () => {
    const data = (n: number) => ({ data: { k: 'x'.repeat(n) } });
    expect(noticeProblem(draft({ content: data(65_000) }))).toBeUndefined();
    expect(noticeProblem(draft({ content: data(65_536) }))).toMatch(/^\d+ bytes .* at most 65536$/);
  });
});
