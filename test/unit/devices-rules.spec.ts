import { describe, expect, it } from 'vitest';
import { audienceSchema, namesIndividuals } from '../../src/devices/audience.js';
import {
  canonicalLocale,
  deviceSecret,
  hashDeviceSecret,
  isDeviceSecret,
  isTimeZone,
  tagsSchema,
  topicSchema,
  topicsSchema,
} from '../../src/devices/device.js';
import { bulkLineSchema, registerBody, updateBody } from '../../src/devices/devices.dto.js';
import { linesOf } from '../../src/devices/ndjson.js';
import { problemsOf } from '../../src/http/validation.js';

const pathsOf = (schema: typeof registerBody | typeof updateBody | typeof audienceSchema, value: unknown) => {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : problemsOf(parsed.error.issues).map(({ path }) => path);
};

describe('an audience', () => {
  it.each([
    [{ all: true }, { all: true }],
    [{ userIds: ['b', 'a', 'b'] }, { userIds: ['b', 'a'] }],
    [{ topics: ['news', 'news'] }, { topics: ['news'] }],
    [{ tags: { plan: 'pro' } }, { tags: { plan: 'pro' } }],
    [
      { deviceIds: ['0B7E6E0A-53C5-4E0B-8F3A-0F0F0F0F0F0F', '0b7e6e0a-53c5-4e0b-8f3a-0f0f0f0f0f0f'] },
      { deviceIds: ['0b7e6e0a-53c5-4e0b-8f3a-0f0f0f0f0f0f'] },
    ],
  ])('%j is normalised', (given, expected) => {
    expect(audienceSchema.parse(given)).toEqual(expected);
  });

  it.each([
    [{}, ''],
    [{ all: false }, 'all'],
    [{ all: true, topics: ['news'] }, ''],
    [{ userIds: [] }, 'userIds'],
    [{ userIds: [''] }, 'userIds.0'],
    [{ deviceIds: ['17'] }, 'deviceIds.0'],
    [{ topics: ['white space'] }, 'topics.0'],
    [{ tags: {} }, 'tags'],
    [{ tags: { plan: 1 } }, 'tags.plan'],
    [{ everybody: true, all: true }, 'everybody'],
    ['all', ''],
    [null, ''],
  ])('%j is refused at %j', (given, path) => {
    expect(pathsOf(audienceSchema, given)).toContain(path);
  });

  it('names at most 1,000 ids', () => {
    const userIds = Array.from({ length: 1_001 }, (_, i) => `u-${i}`);
    expect(pathsOf(audienceSchema, { userIds })).toEqual(['userIds']);
    expect(pathsOf(audienceSchema, { userIds: userIds.slice(1) })).toEqual([]);
  });

  it('names individuals only by user or device', () => {
    expect(namesIndividuals({ userIds: ['u'] })).toBe(true);
    expect(namesIndividuals({ deviceIds: ['d'] })).toBe(true);
    expect(namesIndividuals({ all: true })).toBe(false);
    expect(namesIndividuals({ topics: ['t'] })).toBe(false);
    expect(namesIndividuals({ tags: { a: 'b' } })).toBe(false);
  });
});

describe('what a device says about itself', () => {
  it.each([
    ['ko-kr', 'ko-KR'],
    ['zh-hant-tw', 'zh-Hant-TW'],
    ['ko_KR', undefined],
    ['', undefined],
    ['x', undefined],
  ])('locale %j is %j', (given, canonical) => {
    expect(canonicalLocale(given)).toBe(canonical);
  });

  it.each([
    ['Asia/Seoul', true],
    ['UTC', true],
    ['America/Argentina/Buenos_Aires', true],
    ['+09:00', false],
    ['Asia/Atlantis', false],
    ['', false],
  ])('time zone %j: %j', (given, isKnown) => {
    expect(isTimeZone(given)).toBe(isKnown);
  });

  it('bounds topics and tags', () => {
    expect(topicSchema.safeParse('a'.repeat(128)).success).toBe(true);
    expect(topicSchema.safeParse('a'.repeat(129)).success).toBe(false);
    expect(topicsSchema.safeParse(Array.from({ length: 101 }, (_, i) => `t${i}`)).success).toBe(false);
    expect(topicsSchema.parse(['b', 'a', 'b'])).toEqual(['b', 'a']);
    const tags = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v']));
    expect(tagsSchema.safeParse(tags).success).toBe(false);
    expect(tagsSchema.safeParse({ k: 'v'.repeat(257) }).success).toBe(false);
    expect(tagsSchema.safeParse({ k: { nested: 'v' } }).success).toBe(false);
  });

  it.each([
    [{ provider: 'fcm', token: 't', environment: 'sandbox' }, 'environment'],
    [{ provider: 'apns', token: 't', vapidPublicKey: 'k' }, 'vapidPublicKey'],
    [{ provider: 'fcm' }, 'token'],
    [{ provider: 'sms', token: 't' }, 'provider'],
    [{ provider: 'fcm', token: 't', colour: 'red' }, 'colour'],
    [{ provider: 'fcm', token: 't', userId: '' }, 'userId'],
    [{ provider: 'fcm', token: 't', locale: 'ko_KR' }, 'locale'],
  ])('%j is refused at %j', (given, path) => {
    expect(pathsOf(registerBody, given)).toContain(path);
  });

  it('takes an environment or VAPID key only beside a token', () => {
    expect(pathsOf(updateBody, { environment: 'sandbox' })).toEqual(['environment']);
    expect(pathsOf(updateBody, { token: 'ab', environment: 'sandbox' })).toEqual([]);
  });

  it('takes no user token in bulk', () => {
    expect(bulkLineSchema.safeParse({ provider: 'fcm', token: 't', userToken: 'jwt' }).success).toBe(false);
  });
});

describe('a device secret', () => {
  it('is recognised by its hash alone', () => {
    const secret = deviceSecret(Buffer.alloc(32, 1));
    const hash = hashDeviceSecret(secret);
    expect(isDeviceSecret(hash, hashDeviceSecret(secret) ?? null)).toBe(true);
    expect(isDeviceSecret(hash, hashDeviceSecret(deviceSecret(Buffer.alloc(32, 2))) ?? null)).toBe(false);
    expect(isDeviceSecret(hash, null)).toBe(false);
    expect(isDeviceSecret(undefined, null)).toBe(false);
    expect(hashDeviceSecret('')).toBeUndefined();
    expect(hashDeviceSecret('ds_short')).toBeUndefined();
  });
});

describe('lines', () => {
  async function read(chunks: string[], maxLineBytes = 100) {
    async function* source() {
      for (const chunk of chunks) yield Buffer.from(chunk);
    }
    const lines: [number, string | undefined][] = [];
    for await (const { number, text } of linesOf(source(), maxLineBytes)) lines.push([number, text?.toString()]);
    return lines;
  }

  it('are cut where they end, wherever the chunks do', async () => {
    const expected = [
      [1, 'one'],
      [2, 'two'],
      [3, 'three'],
    ];
    expect(await read(['one\ntwo\nthree'])).toEqual(expected);
    expect(await read(['one\ntwo\nthree\n'])).toEqual(expected);
    expect(await read([...'one\ntwo\nthree\n'])).toEqual(expected);
  });

  it('count when they are blank, and are left out', async () => {
    expect(await read(['\n \t\r\none\n\n'])).toEqual([[3, 'one']]);
    expect(await read([])).toEqual([]);
  });

  it('that are too long do not hide the others', async () => {
    const long = 'x'.repeat(60);
    expect(await read(['one\n', long, long, '\ntwo'])).toEqual([
      [1, 'one'],
      [2, undefined],
      [3, 'two'],
    ]);
    expect(await read([long, long])).toEqual([[1, undefined]]);
  });
});
