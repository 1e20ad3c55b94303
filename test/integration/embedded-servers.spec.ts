import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { expect, inject, it } from 'vitest';
import { isPortFree } from '../../src/embedded/ports.js';
import { startPostgres } from '../../src/embedded/postgres.js';
import { identify } from '../../src/embedded/process-table.js';
import { startRedis } from '../../src/embedded/redis.js';
import { createTestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

/** A process may be killed here, the machine is not. */
const settings = { fsync: 'off' };

const newDir = () => mkdtemp(join(inject('runDir'), 'server-'));

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

it('keeps data, address and password of Postgres across a restart, and leaves no process or port behind', async () => {
  const dir = await newDir();
  const first = await startPostgres({ dir, settings });
  await query(first.url, 'create table kept (n int)');
  await first.stop();
  expect(identify(first.pid)).toBeUndefined();
  expect(await isPortFree(first.port)).toBe(true);

  const second = await startPostgres({ dir, settings });
  try {
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'select * from kept')).toEqual([]);
  } finally {
    await second.stop();
  }
});

it('recovers a Postgres that was killed, with every committed row', async () => {
  const dir = await newDir();
  const first = await startPostgres({ dir, settings });
  await query(first.url, 'create table kept as select generate_series(1, 1000) n');
  process.kill(first.pid, 'SIGKILL');
  await first.exited;

  const second = await startPostgres({ dir, settings });
  try {
    expect(await query(second.url, 'select count(*)::int n from kept')).toEqual([{ n: 1000 }]);
  } finally {
    await second.stop();
  }
});

it('ends a Postgres that a killed owner left in the folder before it starts its own', async () => {
  const dir = await newDir();
  const orphan = await startPostgres({ dir, settings });
  const successor = await startPostgres({ dir, settings });
  try {
    await orphan.exited;
    expect(identify(orphan.pid)).toBeUndefined();
    expect(await query(successor.url, 'select 1 one')).toEqual([{ one: 1 }]);
  } finally {
    await successor.stop();
  }
});

it('takes another port when the remembered one is taken', async () => {
  const dir = await newDir();
  const first = await startRedis({ dir });
  await first.stop();
  const usurper = await startRedis({ dir: await newDir(), port: first.port });
  const second = await startRedis({ dir });
  expect(second.port).not.toBe(first.port);
  await Promise.all([usurper.stop(), second.stop()]);
});

it('starts a Redis that never evicts and wants a password, and leaves no process or port behind', async () => {
  const server = await startRedis({ dir: await newDir() });
  const redis = new Redis(server.url);
  expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  await redis.quit();
  const stranger = new Redis(server.port, { enableReadyCheck: false });
  await expect(stranger.get('x')).rejects.toThrow('NOAUTH');
  stranger.disconnect();
  await server.stop();
  expect(identify(server.pid)).toBeUndefined();
  expect(await isPortFree(server.port)).toBe(true);
});

it('gives each test file a migrated database and an empty Redis of its own', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await query(one.url, 'create table mine (n int)');
  await expect(query(two.url, 'select * from mine')).rejects.toThrow('does not exist');
  await Promise.all([one.drop(), two.drop()]);
  expect(await testRedisUrl()).not.toBe(await testRedisUrl());
});
