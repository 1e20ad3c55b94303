import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = resolve(import.meta.dirname, '../../dist/src/simulator/main.js');

let home: string;
let child: ChildProcess | undefined;

beforeEach(() => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run "npm run build" first`);
  home = mkdtempSync(join(tmpdir(), 'carillon-simulator-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

/** The process and its first line. */
async function start(
  ...args: string[]
): Promise<{ child: ChildProcess; urls: { controlUrl: string; caFile: string } }> {
  const started = spawn(process.execPath, [MAIN, '--home', home, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  child = started;
  const [line] = (await once(createInterface({ input: started.stdout }), 'line')) as [string];
  return { child: started, urls: JSON.parse(line) as { controlUrl: string; caFile: string } };
}

describe('the simulators as a process', () => {
  it('say where they are once they are ready, and stop at SIGTERM', async () => {
    const { child: running, urls } = await start();
    const setup = (await (await fetch(`${urls.controlUrl}/__setup`)).json()) as { fcm: { serviceAccount: object } };
    expect(setup.fcm.serviceAccount).toHaveProperty('token_uri');
    expect(existsSync(urls.caFile)).toBe(true);
    running.kill('SIGTERM');
    expect(await once(running, 'exit')).toEqual([0, null]);
    await expect(fetch(urls.controlUrl)).rejects.toThrow();
  });

  it('end with their parent when told so', async () => {
    const { child: running } = await start('--exit-with-parent');
    running.stdin?.end();
    expect(await once(running, 'exit')).toEqual([0, null]);
  });

  it('take consecutive ports from a base', async () => {
    const base = 20_000 + (process.pid % 10_000);
    const { urls } = await start('--port-base', String(base));
    expect(urls).toMatchObject({
      controlUrl: `http://127.0.0.1:${base}`,
      fcm: `https://127.0.0.1:${base + 1}`,
      webpush: { wns: `https://127.0.0.1:${base + 7}` },
    });
  });

  it('let nobody else read their keys', async () => {
    await start();
    for (const file of ['ca-key.pem', 'credentials.json']) {
      expect(statSync(join(home, file)).mode & 0o777).toBe(0o600);
    }
  });
});
