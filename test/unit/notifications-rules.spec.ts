import { describe, expect, it } from 'vitest';
import {
  countsOf,
  defaultLane,
  draftNotification,
  messageFor,
  type NotificationRequest,
  progressOf,
} from '../../src/notifications/notification.js';
import { requestHash } from '../../src/notifications/request-hash.js';

const NOW = new Date('2027-03-01T12:00:00Z');
const ID = '0195512f-8c00-7000-8000-000000000001';

function draft(request: Partial<NotificationRequest>) {
  const whole = { audience: { userIds: ['u-1'] }, content: { title: 'Hello' }, ...request };
  return draftNotification(ID, '0195512f-8c00-7000-8000-00000000aaaa', whole, NOW);
}

const secondsFromNow = (at: Date) => (at.getTime() - NOW.getTime()) / 1000;

describe('a request without options', () => {
  it('lives for a day, may be repeated, and is sent now with high priority', () => {
    const notification = draft({});
    expect(notification).toMatchObject({
      semantics: 'at_least_once',
      options: { ttlSeconds: 86_400, priority: 'high' },
      createdAt: NOW,
      sendAt: NOW,
    });
    expect(secondsFromNow(notification.expiresAt)).toBe(86_400);
  });

  it('has normal priority when there is nothing to see', () => {
    expect(draft({ content: { data: { sync: '1' } } }).options.priority).toBe('normal');
  });

  it.each([
    [{ userIds: ['u'] }, 'normal'],
    [{ deviceIds: ['d'] }, 'normal'],
    [{ all: true as const }, 'bulk'],
    [{ topics: ['news'] }, 'bulk'],
    [{ tags: { plan: 'pro' } }, 'bulk'],
  ])('to %j goes by the lane %s', (audience, lane) => {
    expect(defaultLane(audience)).toBe(lane);
  });
});

describe('the TTL', () => {
  it('counts from sendAt', () => {
    const notification = draft({ options: { sendAt: '2027-03-01T14:00:00+01:00', ttlSeconds: 60 } });
    expect(secondsFromNow(notification.sendAt)).toBe(3_600);
    expect(secondsFromNow(notification.expiresAt)).toBe(3_660);
  });

  it('counts from now when sendAt has passed', () => {
    const notification = draft({ options: { sendAt: '2020-01-01T00:00:00Z', ttlSeconds: 60 } });
    expect(notification.sendAt).toEqual(NOW);
    expect(secondsFromNow(notification.expiresAt)).toBe(60);
  });

  it('of 0 leaves us 30 seconds to reach the provider', () => {
    const notification = draft({ options: { ttlSeconds: 0 } });
    expect(notification.options.ttlSeconds).toBe(0);
    expect(secondsFromNow(notification.expiresAt)).toBe(30);
  });
});

it('is refused by the path when sendAt is more than 366 days ahead', () => {
  expect(draft({ options: { sendAt: '2028-03-01T12:00:00Z' } }).sendAt.getUTCFullYear()).toBe(2028);
  expect(() => draft({ options: { sendAt: '2028-03-01T12:00:01Z' } })).toThrow(
    expect.objectContaining({
      code: 'invalid_request',
      problems: [expect.objectContaining({ path: 'options.sendAt' })],
    }),
  );
});

it('gives each provider only its own overrides', () => {
  const notification = draft({ overrides: { apns: { headers: { 'apns-priority': '5' } } } });
  expect(messageFor(notification, 'apns').overrides).toEqual({ headers: { 'apns-priority': '5' } });
  expect(messageFor(notification, 'fcm')).toEqual({
    notificationId: ID,
    content: { title: 'Hello' },
    ttlSeconds: 86_400,
    priority: 'high',
  });
});

describe('the progress', () => {
  const counts = { ...countsOf(undefined), planned: 100, accepted: 40, failed: 10 };
  const running = { completedAt: null, isPlanned: true, planCursor: 500, planBound: 1_000 };

  it('is the share of deliveries that have ended', () => {
    expect(progressOf(running, counts)).toBe(0.5);
  });

  it('weighs what is planned by how much of the walk that is', () => {
    expect(progressOf({ ...running, isPlanned: false }, counts)).toBe(0.25);
  });

  it('is 0 before anything is planned and 1 at the end, even of an empty audience', () => {
    expect(progressOf({ ...running, isPlanned: false, planBound: null }, countsOf(undefined))).toBe(0);
    expect(progressOf({ ...running, completedAt: NOW }, countsOf(undefined))).toBe(1);
  });
});

describe('the hash of a request', () => {
  it('is the same whatever the order of the fields', () => {
    const one = { a: 1, b: { c: [1, 2], d: 'x' } };
    const other = { b: { d: 'x', c: [1, 2] }, a: 1, e: undefined };
    expect(requestHash(one)).toEqual(requestHash(other));
  });

  it.each([
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: '1' }, { a: 1 }],
    [{ a: { b: 'c' } }, { a: {}, b: 'c' }],
    [{ a: 'x","b":"y' }, { a: 'x', b: 'y' }],
    [{ a: null }, {}],
  ])('tells %j from %j', (one, other) => {
    expect(requestHash(one)).not.toEqual(requestHash(other));
  });
});
