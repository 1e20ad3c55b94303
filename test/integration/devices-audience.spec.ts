import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import type { Audience } from '../../src/devices/audience.js';
import { AudienceRepository } from '../../src/devices/audience.repository.js';
import { DevicesService } from '../../src/devices/devices.service.js';
import type { ProviderName } from '../../src/lib/names.js';
import { createDevice, createDevices } from '../factories/device.js';
import { createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

interface Known {
  id: number;
  publicId: string;
  provider: ProviderName;
  status: string;
  userId: string | null;
  tags: Record<string, string>;
  topics: string[];
}

const CALLER = { keyId: '', role: 'server', accountId: null, accountRole: null, accountEmail: null } as const;
let database: TestDatabase;
let api: TestApi;
let db: DataSource;
let devices: DevicesService;
let applicationId: string;
let known: Known[];
let bound: number;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  db = api.app.get<DataSource>(DATA_SOURCE);
  devices = api.app.get(DevicesService);
  applicationId = (await createApplication(api)).id;
  const stranger = (await createApplication(api)).id;
  const fill = async (n: number, fields: Omit<Parameters<typeof createDevices>[2], 'applicationId'>) => {
    await createDevices(db, n, { applicationId, ...fields });
    await createDevices(db, 7, { applicationId: stranger, ...fields });
  };
  await fill(1_200, { topics: ['news'], tags: { plan: 'free' } });
  await fill(300, { provider: 'apns', topics: ['news', 'sport'], tags: { plan: 'pro', beta: 'yes' }, userId: 'u-1' });
  await fill(40, { status: 'invalid', topics: ['news', 'sport'], tags: { plan: 'pro' }, userId: 'u-1' });
  await fill(200, { provider: 'webpush', topics: ['sport'], userId: 'u-2' });
  await fill(2_100, { provider: 'apns', tags: { plan: 'pro' } });
  await fill(5, { status: 'refused', topics: ['rare'] });
  await fill(3, { topics: ['rare'], tags: { rare: 'yes' }, userId: 'u-3' });
  bound = await devices.upperBound(db, applicationId);
  await fill(10, { topics: ['news', 'sport', 'rare'], tags: { plan: 'pro', rare: 'yes' }, userId: 'u-1' });
  known = await db.query(
    `select id, public_id as "publicId", provider, status, user_id as "userId", tags,
       array(select topic from topic_member where device_id = id) as topics
     from device where application_id = $1 and id <= $2 order by id`,
    [applicationId, bound],
  );
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

/** Every device of the audience, once, with what holds for each page checked on the way. */
async function walk(audience: Audience, limit: number): Promise<number[]> {
  const all: number[] = [];
  for (let afterId = 0, pages = 1; ; pages++) {
    const page = await devices.audiencePage(db, applicationId, audience, afterId, bound, limit);
    for (const group of page.groups) {
      const ids: number[] = JSON.parse(group.deviceIds.replace('{', '[').replace('}', ']'));
      expect(ids).toEqual(ids.toSorted((one, other) => one - other));
      expect(ids.length).toBeLessThanOrEqual(1_000);
      expect({ n: group.n, firstId: group.firstId, lastId: group.lastId }).toEqual({
        n: ids.length,
        firstId: ids[0],
        lastId: ids.at(-1),
      });
      expect(new Set(ids.map((id) => known.find((device) => device.id === id)?.provider))).toEqual(
        new Set([group.provider]),
      );
      all.push(...ids);
    }
    if (page.seen < limit) return all.toSorted((one, other) => one - other);
    expect(page.groups.length).toBeGreaterThan(0);
    expect(page.seen).toBe(limit);
    expect(page.lastId).toBeGreaterThan(afterId);
    expect(pages).toBeLessThan(5_000);
    afterId = page.lastId;
  }
}

const active = (keep: (device: Known) => boolean): number[] =>
  known.filter((device) => device.status === 'active' && keep(device)).map(({ id }) => id);

describe('a walk over', () => {
  it.each([10_000, 1_500, 97])('everybody, %i at a time, meets each active device once', async (limit) => {
    expect(await walk({ all: true }, limit)).toEqual(active(() => true));
  });

  it.each([10_000, 500, 61])('topics, %i at a time, meets the members of any of them once', async (limit) => {
    const members = (...topics: string[]) => active((device) => device.topics.some((topic) => topics.includes(topic)));
    expect(await walk({ topics: ['news'] }, limit)).toEqual(members('news'));
    expect(await walk({ topics: ['sport', 'news', 'rare'] }, limit)).toEqual(members('sport', 'news', 'rare'));
    expect(await walk({ topics: ['nobody'] }, limit)).toEqual([]);
  });

  it.each([10_000, 500, 61])('tags, %i at a time, meets the devices with all of them', async (limit) => {
    expect(await walk({ tags: { plan: 'pro' } }, limit)).toEqual(active(({ tags }) => tags['plan'] === 'pro'));
    expect(await walk({ tags: { plan: 'pro', beta: 'yes' } }, limit)).toEqual(
      active(({ tags }) => tags['beta'] === 'yes'),
    );
    expect(await walk({ tags: { rare: 'yes' } }, limit)).toEqual(active(({ tags }) => tags['rare'] === 'yes'));
    expect(await walk({ tags: { plan: 'none' } }, limit)).toEqual([]);
  });

  it.each([10_000, 61])('users, %i at a time, meets all their devices', async (limit) => {
    const userIds = ['u-3', 'u-1', 'nobody'];
    expect(await walk({ userIds }, limit)).toEqual(active(({ userId }) => userIds.includes(userId ?? '')));
  });

  it.each([10_000, 3])('devices, %i at a time, meets those that are there and active', async (limit) => {
    const some = known.filter((_, i) => i % 100 === 3);
    const stranger = await createDevice(db, { applicationId: (await createApplication(api)).id });
    const deviceIds = [...some.map(({ publicId }) => publicId), stranger.publicId];
    expect(await walk({ deviceIds }, limit)).toEqual(active((device) => some.includes(device)));
  });

  it('an application without devices ends at once', async () => {
    const { id } = await createApplication(api);
    expect(await devices.upperBound(db, id)).toBe(0);
    expect(await devices.audiencePage(db, id, { all: true }, 0, 0, 10)).toEqual({ groups: [], lastId: 0, seen: 0 });
  });
});

describe('what dispatching loads', () => {
  it('is the device as it is now; removed ones are missing', async () => {
    const made = await createDevice(db, {
      applicationId,
      provider: 'apns',
      environment: 'sandbox',
      userId: 'u-9',
      status: 'refused',
    });
    const removed = await createDevice(db, { applicationId });
    await devices.remove({ ...CALLER, applicationId }, removed.publicId, undefined);
    const targets = await devices.loadTargets(db, [made.id, removed.id]);
    expect(targets).toEqual(
      new Map([
        [
          made.id,
          {
            id: made.id,
            deviceId: made.publicId,
            token: made.token,
            environment: 'sandbox',
            status: 'refused',
            userId: 'u-9',
          },
        ],
      ]),
    );
    expect(await devices.loadTargets(db, [])).toEqual(new Map());
    expect(await devices.deviceIdsByPublicId(db, applicationId, [made.publicId, removed.publicId])).toEqual(
      new Map([[made.publicId, made.id]]),
    );
    expect(await devices.publicIds(db, [made.id, removed.id])).toEqual(
      new Map([[made.id, { publicId: made.publicId, userId: 'u-9' }]]),
    );
  });
});

describe('a page deep inside an audience', () => {
  it('reads an index from where it starts, and neither sorts devices nor skips over them', async () => {
    await db.query('vacuum analyze device');
    const repository = new AudienceRepository();
    const statements: string[] = [];
    const explaining = {
      query: async <T>(sql: string, parameters?: unknown[]): Promise<T> => {
        const plan: { 'QUERY PLAN': string }[] = await db.query(`explain (costs off) ${sql}`, parameters);
        statements.push(plan.map((line) => line['QUERY PLAN']).join('\n'));
        return [] as T;
      },
    };
    const afterId = known[2_000]?.id ?? 0;
    await repository.page(explaining, { all: true }, { applicationId, afterId, boundId: bound, limit: 100 });
    expect(statements[0]).toContain('Index Only Scan using device_audience on device');
    expect(statements[0]).toMatch(/Index Cond: .*application_id.*id > .*id <= /);
  });
});
