import { existsSync } from 'node:fs';
import { mkdtemp, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isPortFree } from '../../src/embedded/ports.js';
import { identify } from '../../src/embedded/process-table.js';
import { eventually } from '../setup/eventually.js';
import { type Instance, type Ready, startInstance } from '../setup/instance.js';

/** A whole start takes seconds on an idle machine, and the machine is not idle. */
const START_MS = 150_000;

describe('npm start', { timeout: START_MS }, () => {
  let home: string;
  let instance: Instance;
  let ready: Ready;

  beforeAll(async () => {
    home = join(await mkdtemp(join(inject('runDir'), 'start-')), 'home');
  });

  afterAll(async () => {
    instance.child.kill('SIGTERM');
    await instance.exitCode;
  }, 40_000);

  it('brings up the whole service and says where, for the owner alone', async () => {
    instance = startInstance(home, { viaNpm: true });
    ready = await instance.ready();
    expect((await fetch(`${ready.baseUrl}/readyz`)).status).toBe(200);
    expect(await statusOf(`${ready.baseUrl}/v1/devices`, ready.application.serverKey)).toBe(200);
    const application = `${ready.baseUrl}/v1/applications/${ready.application.id}`;
    expect(await statusOf(application, ready.adminKey)).toBe(200);
    expect((await stat(home)).mode & 0o777).toBe(0o700);
    expect((await stat(join(home, 'ready.json'))).mode & 0o777).toBe(0o600);
  });

  it('signs its owner in to the console, once', async () => {
    const { consoleUrl, baseUrl } = ready;
    await eventually(() => expect(instance.output()).toContain(`  Console     ${consoleUrl}\n`));
    expect(consoleUrl.startsWith(`${baseUrl}/console/sign-in#link=`)).toBe(true);
    const body = JSON.stringify({ token: new URL(consoleUrl).hash.replace('#link=', '') });
    const headers = { 'content-type': 'application/json' };
    const signIn = () => fetch(`${baseUrl}/v1/session/link`, { method: 'POST', headers, body });
    expect(await (await signIn()).json()).toMatchObject({ account: { email: 'owner@localhost', role: 'owner' } });
    expect((await signIn()).status).toBe(401);
  });

  it('refuses a second start in the same home, and leaves the first alone', async () => {
    const second = startInstance(home);
    expect(await second.exitCode).toBe(1);
    expect(second.output()).toContain('Carillon already runs in');
    expect((await fetch(`${ready.baseUrl}/readyz`)).status).toBe(200);
  });

  it('replaces a killed worker, Redis and simulator, and writes their new pids down', async () => {
    const killed = [ready.pids.workers[0] ?? 0, ready.pids.redis, ready.pids.simulator];
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await eventually(
      async () => {
        const { pids } = await instance.ready();
        for (const pid of killed) expect(allPids(pids)).not.toContain(pid);
        for (const pid of allPids(pids)) expect(identify(pid)).toBeDefined();
        expect((await fetch(`${ready.baseUrl}/readyz`)).status).toBe(200);
      },
      { timeoutMs: 60_000, intervalMs: 200 },
    );
    ready = await instance.ready();
  });

  it('stops in order when npm is killed', async () => {
    instance.child.kill('SIGKILL');
    await expectNothingLeft(home, ready);
    expect(existsSync(join(home, 'owner.json'))).toBe(false);
  });

  it('leaves nothing running when the supervisor itself is killed', async () => {
    instance = startInstance(home);
    const again = await instance.ready();
    expect(again.application).toEqual(ready.application);
    expect(again.adminKey).toBe(ready.adminKey);
    expect(again.consoleUrl).toContain('#link=');
    expect(again.consoleUrl).not.toBe(ready.consoleUrl);
    process.kill(await instance.supervisorPid(), 'SIGKILL');
    await expectNothingLeft(home, again);
  });

  it('starts again after that, and ends well when asked to', async () => {
    instance = startInstance(home);
    ready = await instance.ready();
    instance.child.kill('SIGTERM');
    expect(await instance.exitCode).toBe(0);
    expect(existsSync(join(home, 'ready.json'))).toBe(false);
    await expectNothingLeft(home, ready);
  });
});

it('says so when the port is taken', async () => {
  const home = join(await mkdtemp(join(inject('runDir'), 'start-')), 'home');
  const taken = new URL(inject('redisUrl')).port;
  const instance = startInstance(home, { env: { PORT: taken } });
  expect(await instance.exitCode).toBe(1);
  expect(instance.output()).toContain(`port ${taken} is taken`);
});

async function statusOf(url: string, key: string): Promise<number> {
  return (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).status;
}

function allPids({ workers, ...others }: Ready['pids']): number[] {
  return [...Object.values(others), ...workers];
}

async function expectNothingLeft(home: string, { baseUrl, databaseUrl, redisUrl, pids }: Ready): Promise<void> {
  await eventually(
    async () => {
      for (const pid of allPids(pids)) expect(identify(pid)).toBeUndefined();
      for (const url of [baseUrl, databaseUrl, redisUrl])
        expect(await isPortFree(Number(new URL(url).port))).toBe(true);
      expect(existsSync(join(home, 'ready.json'))).toBe(false);
    },
    { timeoutMs: 40_000, intervalMs: 100 },
  );
}
