import { describe, expect, it } from 'vitest';
import { loadConfig, loadWorkerProcesses } from '../../src/config/config.js';
import { defaultWorkerProcesses, shareOut, workerEnvironment } from '../../src/config/worker-processes.js';
import { LANES } from '../../src/lib/names.js';

/** `name: lanes`, with a star where it works in the background. */
const shares = (...of: Parameters<typeof shareOut>) =>
  shareOut(...of).map(({ name, lanes, isBackground }) => `${name}: ${lanes.join(' ')}${isBackground ? '*' : ''}`);

describe('shareOut', () => {
  it.each([
    [1, ['critical+normal+bulk: critical normal bulk*']],
    [2, ['critical+normal: critical normal', 'bulk: bulk*']],
    [4, ['critical+normal: critical normal', 'bulk-1: bulk*', 'bulk-2: bulk', 'bulk-3: bulk']],
  ])('gives %i processes of a whole machine their lanes', (count, expected) => {
    expect(shares(LANES, count, true)).toEqual(expected);
  });

  it('keeps the background away from a machine without bulk: a process of its own does it', () => {
    expect(shares(['critical', 'normal'], 3, true)).toEqual([
      'critical+normal-1: critical normal',
      'critical+normal-2: critical normal',
      'background: *',
    ]);
  });

  it('leaves the background to other machines when told to', () => {
    expect(shares(['critical'], 2, false)).toEqual(['critical-1: critical', 'critical-2: critical']);
    expect(shares(LANES, 2, false)).toEqual(['critical+normal: critical normal', 'bulk: bulk']);
  });

  it('sends nothing but bulk where nothing else is asked for', () => {
    expect(shares(['bulk'], 2, true)).toEqual(['bulk-1: bulk*', 'bulk-2: bulk']);
  });

  it('makes one process where there is no lane', () => {
    expect(shares([], 4, true)).toEqual(['background: *']);
  });

  it.each([1, 2, 3, 8])('has one process at most in the background, and each lane somewhere: %i', (count) => {
    const processes = shareOut(LANES, count, true);
    expect(processes).toHaveLength(count);
    expect(processes.filter(({ isBackground }) => isBackground)).toHaveLength(1);
    expect(new Set(processes.flatMap(({ lanes }) => lanes))).toEqual(new Set(LANES));
    expect(new Set(processes.map(({ name }) => name)).size).toBe(count);
  });
});

describe('defaults', () => {
  it.each([
    [0, 1],
    [1, 1],
    [2, 2],
    [16, 8],
  ])('on %i cores: %i processes', (cores, expected) => {
    expect(defaultWorkerProcesses(cores)).toBe(expected);
  });

  it('leave room for an api among the 100 connections of Postgres on the largest machine', () => {
    const pools = shareOut(LANES, defaultWorkerProcesses(64), true).map((worker) => worker.poolSize ?? Number.NaN);
    expect(pools.reduce((sum, size) => sum + size, 0)).toBeLessThan(97 - 10 - 10);
  });
});

describe('the environment', () => {
  const required = {
    CARILLON_MASTER_KEY: Buffer.alloc(32).toString('base64'),
    DATABASE_URL: 'postgres://localhost/x',
    REDIS_URL: 'redis://localhost',
  };
  const load = (environment: Record<string, string | undefined>) => loadConfig({ ...required, ...environment });

  it('of each process reads back as what that process is', () => {
    for (const worker of shareOut(LANES, 3, true)) {
      const environment = workerEnvironment(worker, {});
      expect(load(environment)).toMatchObject({
        CARILLON_ROLE: 'worker',
        WORKER_LANES: worker.lanes,
        WORKER_BACKGROUND: worker.isBackground,
        DATABASE_POOL_SIZE: worker.poolSize,
      });
      expect(loadWorkerProcesses({ ...required, ...environment })).toHaveLength(1);
    }
  });

  it('keeps the size of the pools that the operator has set', () => {
    const [worker] = shareOut(LANES, 2, true);
    if (!worker) throw new Error('no worker');
    expect(workerEnvironment(worker, { DATABASE_POOL_SIZE: '17' })).toMatchObject({ DATABASE_POOL_SIZE: '17' });
  });

  it('says lanes in any order, each once, or none', () => {
    expect(load({ WORKER_LANES: 'bulk, critical,bulk' }).WORKER_LANES).toEqual(['critical', 'bulk']);
    expect(load({ WORKER_LANES: 'none' }).WORKER_LANES).toEqual([]);
    expect(load({}).WORKER_LANES).toEqual(LANES);
  });

  it.each(['fast', 'none,bulk', ','])('refuses %s as lanes', (lanes) => {
    expect(() => load({ WORKER_LANES: lanes })).toThrow(/WORKER_LANES/);
  });
});
