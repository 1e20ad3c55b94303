import { afterEach, describe, expect, it } from 'vitest';
import { identify } from '../../src/embedded/process-table.js';
import { Campaign } from '../setup/campaign.js';
import { eventually } from '../setup/eventually.js';
import type { SpawnedWorker } from '../setup/world.js';

/** Deliveries of one job that may be in flight or unwritten, and batches that one worker may hold per provider and lane. */
const WINDOW = 200;
const CONCURRENCY = 4;
/** Milliseconds within which nothing is left of a worker whose supervisor was killed. */
const ORPHAN_MS = 2_000;
/** Milliseconds that a stop may take, whatever happens. */
const STOP_MS = 30_000;

let campaign: Campaign;

/** A campaign sent by two processes under a third, whose health port is known. */
async function supervised(): Promise<{ supervisor: SpawnedWorker; health: string }> {
  campaign = await Campaign.start({ workers: [{ WORKER_PROCESSES: '2', WORKER_HEALTH_PORT: '0', HOST: '127.0.0.1' }] });
  const supervisor = campaign.workers[0];
  if (!supervisor) throw new Error('no worker');
  const { port } = lines(supervisor, 'workers.supervised')[0] ?? {};
  return { supervisor, health: `http://127.0.0.1:${port}` };
}

interface Line {
  event: string;
  pid: number;
  lanes?: string;
  port?: number;
}

function lines(worker: SpawnedWorker, event: string): Line[] {
  const all = worker.logs().split('\n').filter(Boolean);
  return all.map((line) => JSON.parse(line) as Line).filter((line) => line.event === event);
}

/** Pids of the processes that have started for these lanes, the latest first. */
function pidsOf(supervisor: SpawnedWorker, lanes?: string): number[] {
  const started = lines(supervisor, 'service.started').filter((line) => lanes === undefined || line.lanes === lanes);
  return started.map(({ pid }) => pid).toReversed();
}

const isGone = (pid: number) => identify(pid) === undefined;

afterEach(() => campaign?.end());

describe('one of several worker processes', () => {
  it('that is killed comes back, and what it held is sent by its successor', async () => {
    const { supervisor, health } = await supervised();
    expect((await fetch(`${health}/readyz`)).status).toBe(200);
    const [pid = 0] = pidsOf(supervisor, 'bulk');
    process.kill(pid, 'SIGKILL');
    await eventually(async () => {
      const answer = await fetch(`${health}/readyz`);
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ missing: { bulk: expect.any(String) } });
    });
    await eventually(() => pidsOf(supervisor, 'bulk').length === 2, { timeoutMs: 20_000 });
    await eventually(async () => expect((await fetch(`${health}/readyz`)).status).toBe(200));
    expect(isGone(pid)).toBe(true);
    expect(pidsOf(supervisor, 'critical,normal')).toHaveLength(1);
    await campaign.world.advance(25_000);
    await campaign.completesWithoutLoss();
    expect(await campaign.sentTwice()).toBeLessThanOrEqual(WINDOW * CONCURRENCY);
  }, 150_000);

  it('that hangs holds up no push of another lane', async () => {
    const { supervisor } = await supervised();
    const { world, application } = campaign;
    const device = await world.device(application, 'fcm');
    const [pid = 0] = pidsOf(supervisor, 'bulk');
    process.kill(pid, 'SIGSTOP');
    const id = await world.notify(application, { audience: { deviceIds: [device] } });
    await world.until(application, id, { counts: { accepted: 1 } });
    process.kill(pid, 'SIGCONT');
    await world.until(application, campaign.id, { status: 'completed', counts: { accepted: 2_000 } }, 90_000);
  }, 150_000);

  it('shows its metrics beside those of the others', async () => {
    const { health } = await supervised();
    const text = await (await fetch(`${health}/metrics`)).text();
    for (const process of ['critical+normal', 'bulk']) {
      expect(text).toMatch(
        new RegExp(`^process_resident_memory_bytes\\{process="${process.replace('+', '\\+')}"\\} \\d+$`, 'm'),
      );
    }
    expect(text.match(/^# TYPE process_resident_memory_bytes gauge$/gm)).toHaveLength(1);
    expect((await fetch(`${health}/livez`)).status).toBe(200);
    expect((await fetch(`${health}/v1/devices`)).status).toBe(404);
  }, 150_000);
});

describe('the process that supervises workers', () => {
  it('leaves none of them running when it is killed', async () => {
    const { supervisor } = await supervised();
    const pids = pidsOf(supervisor);
    expect(pids).toHaveLength(2);
    supervisor.kill('SIGKILL');
    await eventually(() => pids.every(isGone), { timeoutMs: ORPHAN_MS });
    await campaign.world.spawnWorker();
    await campaign.world.advance(25_000);
    await campaign.completesWithoutLoss();
    expect(await campaign.sentTwice()).toBeLessThanOrEqual(WINDOW * CONCURRENCY);
  }, 150_000);

  it('drains them all at SIGTERM: nothing is lost and nothing is sent twice', async () => {
    const { supervisor } = await supervised();
    const pids = pidsOf(supervisor);
    supervisor.kill('SIGTERM');
    expect(await supervisor.exited).toBe(0);
    expect(pids.every(isGone)).toBe(true);
    expect(await campaign.world.db.query(`select 1 from dispatch_batch where state = 'leased'`)).toEqual([]);
    await campaign.world.spawnWorker();
    await campaign.completesWithoutLoss();
    expect(await campaign.sentTwice()).toBe(0);
  }, 150_000);

  it('kills at the deadline what does not end', async () => {
    const { supervisor } = await supervised();
    const [pid = 0] = pidsOf(supervisor, 'bulk');
    process.kill(pid, 'SIGSTOP');
    const startMs = performance.now();
    supervisor.kill('SIGTERM');
    expect(await supervisor.exited).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(STOP_MS);
    expect(isGone(pid)).toBe(true);
  }, 150_000);
});

describe('role all with worker processes', () => {
  it('serves the api itself and is ready when its workers are', async () => {
    campaign = await Campaign.start({
      workers: [{ WORKER_PROCESSES: '2', CARILLON_ROLE: 'all', PORT: '0', HOST: '127.0.0.1' }],
    });
    const [supervisor] = campaign.workers;
    if (!supervisor) throw new Error('no worker');
    const port = await eventually(() => {
      const api = lines(supervisor, 'service.started').find((line) => line.pid === supervisor.pid);
      expect(api?.port).toEqual(expect.any(Number));
      return api?.port;
    });
    const url = `http://127.0.0.1:${port}`;
    await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(metrics).toMatch(/^process_resident_memory_bytes\{process="bulk"\} \d+$/m);
    expect(metrics).toMatch(/^carillon_invariant_violations 0$/m);
    const [pid = 0] = pidsOf(supervisor, 'bulk');
    process.kill(pid, 'SIGSTOP');
    await eventually(async () => {
      expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ missing: { workers: expect.any(String) } });
    });
    process.kill(pid, 'SIGCONT');
    await campaign.completesWithoutLoss();
    supervisor.kill('SIGTERM');
    expect(await supervisor.exited).toBe(0);
  }, 150_000);
});
