import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FingerprintCounter } from '../../src/simulator/fingerprints.js';
import { startSimulator } from '../../src/simulator/simulator.js';
import { type H2Answer, send, TestSimulator } from './simulator-support.js';

const PATH = '/v1/projects/carillon-demo/messages:send';

let simulator: TestSimulator;
let bearer: string;

beforeAll(async () => {
  simulator = await TestSimulator.start({ maxMessages: 10, maxDetailBytes: 500 });
  bearer = `Bearer ${await simulator.accessToken()}`;
});
beforeEach(() => simulator.reset());
afterAll(() => simulator.stop());

async function push(...tokens: string[]): Promise<H2Answer[]> {
  const session = simulator.open(simulator.urls.fcm);
  try {
    const answers: H2Answer[] = [];
    for (const token of tokens) {
      const body = JSON.stringify({ message: { token, notification: { title: `for ${token}` } } });
      answers.push(await send(session, { path: PATH, headers: { authorization: bearer }, body }));
    }
    return answers;
  } finally {
    session.destroy();
  }
}

describe('what the control listener tells', () => {
  it('a message with its headers, body and place', async () => {
    await push('a', 'b--unregistered');
    const [first, second] = await simulator.messages();
    expect(first).toMatchObject({
      seq: 1,
      provider: 'fcm',
      listener: 'fcm',
      streamId: 1,
      target: 'a',
      verdict: { status: 200, accepted: true },
      headers: { authorization: bearer },
      body: { message: { token: 'a', notification: { title: 'for a' } } },
    });
    expect(second).toMatchObject({
      connectionId: first?.connectionId,
      streamId: 3,
      verdict: { status: 404, reason: 'UNREGISTERED' },
    });
  });

  it('by target, after a number, so many', async () => {
    await push('a', 'b', 'a', 'c');
    expect((await simulator.messages('?target=a')).map(({ seq }) => seq)).toEqual([1, 3]);
    expect((await simulator.messages('?after=2')).map(({ target }) => target)).toEqual(['a', 'c']);
    expect(await simulator.messages('?limit=1')).toHaveLength(1);
    expect(await simulator.messages('?provider=apns')).toEqual([]);
    expect(await simulator.messages(`?since=${Date.now() + 60_000}`)).toEqual([]);
  });

  it('exact counts, also of messages that it no longer has', async () => {
    const tokens = Array.from({ length: 25 }, (_, index) => `t${index % 20}`);
    await push(...tokens, 'gone--unregistered');
    expect(await simulator.counts()).toEqual({
      total: 26,
      accepted: 25,
      acceptedTargets: 20,
      duplicates: 5,
      evicted: 16,
      newest: 26,
      services: { fcm: { total: 26, accepted: 25, verdicts: { '200': 25, '404 UNREGISTERED': 1 } } },
    });
    const kept = await simulator.messages();
    expect(kept.map(({ seq }) => seq)).toEqual([17, 18, 19, 20, 21, 22, 23, 24, 25, 26]);
    expect([kept[0]?.body, kept.at(-1)?.body]).toEqual([undefined, expect.anything()]);
  });

  it('waits until enough was accepted', async () => {
    const waiting = simulator.counts('?accepted=3&timeoutMs=10000');
    await push('a', 'b', 'c');
    expect((await waiting).accepted).toBe(3);
    expect((await simulator.counts('?accepted=9&timeoutMs=50')).accepted).toBe(3);
  });

  it('statistics of connections, streams and rates', async () => {
    await push('a', 'b');
    const { listeners } = await simulator.control<{ listeners: Record<string, Record<string, unknown>> }>(
      'GET',
      '/__stats',
    );
    expect(listeners['fcm']).toMatchObject({ requests: 2, maxConcurrentStreams: 1 });
    expect(Object.keys(listeners)).toHaveLength(7);
  });

  it('nothing through the ports of the providers', async () => {
    for (const origin of [simulator.urls.fcm, simulator.urls.apns, simulator.urls.webpush.mozilla]) {
      expect((await simulator.h2(origin, { method: 'GET', path: '/__messages' })).status).toBe(404);
    }
    const answer = await fetch(`${simulator.urls.controlUrl}/__nothing`);
    expect(answer.status).toBe(404);
  });

  it('counts whoever takes the redirect bait', async () => {
    await fetch(`${simulator.urls.controlUrl}/__canary`);
    expect((await simulator.control<{ canaryHits: number }>('GET', '/__stats')).canaryHits).toBe(1);
  });
});

describe('a restart', () => {
  it('keeps authority, credentials, ports, access tokens and subscriptions', async () => {
    const home = mkdtempSync(join(tmpdir(), 'carillon-simulator-'));
    try {
      const first = await startSimulator({ home });
      const subscribe = { method: 'POST', body: JSON.stringify({ profile: 'apple', prefix: 'p' }) };
      const before = await (await fetch(`${first.urls.controlUrl}/__subscribe`, subscribe)).json();
      await first.close();
      const second = await startSimulator({ home });
      const after = await (await fetch(`${second.urls.controlUrl}/__subscribe`, subscribe)).json();
      await second.close();
      expect([second.urls, after]).toEqual([first.urls, before]);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });

  it('takes other ports when its own are in use, unless they were asked for', async () => {
    const home = mkdtempSync(join(tmpdir(), 'carillon-simulator-'));
    try {
      const first = await startSimulator({ home });
      const second = await startSimulator({ home });
      expect(second.urls.fcm).not.toBe(first.urls.fcm);
      const port = Number(new URL(first.urls.fcm).port);
      await expect(startSimulator({ home, ports: { fcm: port } })).rejects.toThrow('EADDRINUSE');
      await Promise.all([first.close(), second.close()]);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
});

describe('counting by fingerprint', () => {
  it('tells a hundred thousand similar tokens apart', () => {
    const counter = new FingerprintCounter();
    let most = 0;
    for (let index = 0; index < 100_000; index += 1) most = Math.max(most, counter.add(`fcm token-${index}`));
    expect([counter.distinct, most]).toEqual([100_000, 1]);
    expect([counter.add('fcm token-5'), counter.add('fcm token-5')]).toEqual([2, 3]);
  });
});
