import { type ClientHttp2Session, constants } from 'node:http2';
import { request } from 'node:https';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type H2Answer, send, TestSimulator } from './simulator-support.js';

let simulator: TestSimulator;
let bearer: string;
let session: ClientHttp2Session;

beforeAll(async () => {
  simulator = await TestSimulator.start();
  bearer = `Bearer ${await simulator.accessToken()}`;
});
beforeEach(async () => {
  await simulator.reset();
  session = simulator.open(simulator.urls.fcm);
});
afterEach(() => session.destroy());
afterAll(() => simulator.stop());

function push(token = 't', over = session, headers: Record<string, string> = {}): Promise<H2Answer> {
  return send(over, {
    path: '/v1/projects/carillon-demo/messages:send',
    headers: { authorization: bearer, ...headers },
    body: JSON.stringify({ message: { token, data: { carillonNotificationId: 'n' } } }),
  });
}

const closed = (over: ClientHttp2Session): Promise<void> =>
  new Promise((resolve) => over.once('close', () => resolve()));

/** `reset`: TCP said RST; `end`: it ended in good order, but too early. */
function endOf(error: NodeJS.ErrnoException): string {
  return error.code === 'ECONNRESET' && error.syscall === 'read' ? 'reset' : 'end';
}

/** How an HTTP/1.1 request ended that got no whole answer. */
function failureOverHttp1(token: string): Promise<string> {
  const { hostname, port } = new URL(simulator.urls.fcm);
  return new Promise((resolve, reject) => {
    const path = '/v1/projects/carillon-demo/messages:send';
    const sent = request(
      { hostname, port, path, method: 'POST', ca: simulator.urls.ca, headers: { authorization: bearer } },
      (response) => {
        response.on('error', (error: NodeJS.ErrnoException) => resolve(endOf(error)));
        response.on('end', () => reject(new Error(`answered ${response.statusCode}`)));
        response.resume();
      },
    );
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(endOf(error)));
    sent.end(JSON.stringify({ message: { token } }));
  });
}

describe('faults on a connection', () => {
  it('reset after accept: the message is there, the answer never comes', async () => {
    await simulator.rule({ target: 't' }, { type: 'reset', when: 'after-accept' });
    const end = closed(session);
    await expect(push()).rejects.toThrow();
    await end;
    expect((await simulator.messages()).map(({ verdict }) => verdict)).toEqual([
      { status: 0, reason: 'reset after accept', accepted: true },
    ]);
    expect((await simulator.counts()).accepted).toBe(1);
  });

  it('reset before: nothing was accepted', async () => {
    await simulator.rule({ target: 't' }, { type: 'reset', when: 'before' });
    await expect(push()).rejects.toThrow();
    expect((await simulator.counts()).accepted).toBe(0);
    expect((await simulator.messages())[0]?.verdict).toMatchObject({ status: 0, accepted: false });
  });

  it('a reset of the connection is a RST, also for HTTP/1.1', async () => {
    await simulator.rule({}, { type: 'reset', when: 'after-accept' });
    expect(await failureOverHttp1('t')).toBe('reset');
    expect((await simulator.counts()).accepted).toBe(1);
  });

  it('a magic token loses its own stream only', async () => {
    await expect(push('t--reset-after-accept')).rejects.toThrow();
    expect((await push('other')).status).toBe(200);
    expect((await simulator.counts()).accepted).toBe(2);
  });

  it('a duplicate is what was accepted and sent again', async () => {
    await simulator.rule({ target: 't' }, { type: 'reset', when: 'after-accept', scope: 'stream' }, 1);
    await expect(push()).rejects.toThrow();
    expect((await push()).status).toBe(200);
    expect(await simulator.control('GET', '/__duplicates')).toEqual({
      total: 1,
      duplicates: [{ service: 'fcm', target: 't', notificationKey: 'n', count: 2 }],
    });
  });

  it('rst ends one stream with the code that was asked for', async () => {
    await simulator.rule({ target: 't' }, { type: 'rst', code: constants.NGHTTP2_REFUSED_STREAM });
    await expect(push()).rejects.toThrow('REFUSED_STREAM');
    expect((await push('other')).status).toBe(200);
  });

  it('hang never answers, and the others go on', async () => {
    await simulator.rule({ target: 't' }, { type: 'hang' });
    const hanging = push();
    hanging.catch(() => undefined);
    expect((await push('other')).status).toBe(200);
    await simulator.counts('?total=2&timeoutMs=5000');
    const verdicts = (await simulator.messages('?target=t')).map(({ verdict }) => verdict.reason);
    expect(verdicts).toEqual(['hang']);
    session.destroy();
    await expect(hanging).rejects.toThrow();
  });

  it('delay answers later', async () => {
    await simulator.rule({ target: 't' }, { type: 'delay', uniform: { min: 150, max: 200 } });
    const startedAt = performance.now();
    expect((await push()).status).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(149);
  });

  it('acts on a delayed request although its sender gave up', async () => {
    await simulator.rule({ target: 't' }, { type: 'delay', ms: 200 });
    const abandoned = push();
    abandoned.catch(() => undefined);
    expect((await push('other')).status).toBe(200);
    session.destroy();
    await expect(abandoned).rejects.toThrow();
    expect((await simulator.counts('?accepted=2&timeoutMs=5000')).accepted).toBe(2);
  });

  it('a graceful GOAWAY answers what is in flight and ends the connection', async () => {
    await simulator.rule({ target: 't' }, { type: 'goaway', debug: 'max_age' });
    const goaway = new Promise((resolve) => {
      session.once('goaway', (code, last, debug) => resolve([code, last, Buffer.from(debug ?? []).toString()]));
    });
    const end = closed(session);
    expect((await push()).status).toBe(200);
    expect(await goaway).toEqual([0, 1, 'max_age']);
    await end;
    expect((await simulator.counts()).accepted).toBe(1);
  });

  it('a stream above the last one of a GOAWAY was not processed: unanswered, unrecorded', async () => {
    await simulator.rule({ target: 'third' }, { type: 'goaway', lastStreamId: 3 });
    const last = new Promise((resolve) => session.once('goaway', (_code, lastStreamId) => resolve(lastStreamId)));
    expect([(await push('first')).status, (await push('second')).status]).toEqual([200, 200]);
    await expect(push('third')).rejects.toThrow();
    expect(await last).toBe(3);
    expect((await simulator.messages()).map(({ target }) => target)).toEqual(['first', 'second']);
  });

  it('nor were those that came with it', async () => {
    await simulator.rule({ target: 'third' }, { type: 'goaway', lastStreamId: 3 });
    expect([(await push('first')).status, (await push('second')).status]).toEqual([200, 200]);
    const ends = await Promise.allSettled(['third', 'fourth', 'fifth'].map((token) => push(token)));
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect((await simulator.messages()).map(({ target }) => target)).toEqual(['first', 'second']);
  });

  it('nor was the one that met it, where the last stream is the newest handled', async () => {
    await simulator.rule({ target: 'third' }, { type: 'goaway', lastStreamId: 'handled' });
    const last = new Promise((resolve) => session.once('goaway', (_code, lastStreamId) => resolve(lastStreamId)));
    expect([(await push('first')).status, (await push('second')).status]).toEqual([200, 200]);
    const ends = await Promise.allSettled(['third', 'fourth'].map((token) => push(token)));
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await last).toBe(3);
    expect((await simulator.messages()).map(({ target }) => target)).toEqual(['first', 'second']);
  });

  it('the other GOAWAY breaks off what is in flight', async () => {
    await simulator.rule({ target: 't' }, { type: 'goaway', code: 11, graceful: false, debug: 'too_many_pings' });
    const code = new Promise((resolve) => session.once('goaway', resolve));
    await expect(push()).rejects.toThrow();
    expect(await code).toBe(11);
    expect((await simulator.counts()).accepted).toBe(0);
  });

  it('close ends the connection without an answer', async () => {
    await simulator.rule({ target: 't' }, { type: 'close' });
    const end = closed(session);
    await expect(push()).rejects.toThrow();
    await end;
    expect(await failureOverHttp1('t')).toBe('end');
  });

  it('settings change the number of streams while the connection is in use', async () => {
    await simulator.rule({ target: 't' }, { type: 'settings', maxConcurrentStreams: 7 });
    await push('first');
    expect(session.remoteSettings.maxConcurrentStreams).toBe(100);
    const changed = new Promise((resolve) =>
      session.once('remoteSettings', (settings) => resolve(settings.maxConcurrentStreams)),
    );
    expect((await push()).status).toBe(200);
    expect(await changed).toBe(7);
  });

  it('half open: the connection stays up and not even a PING is answered', async () => {
    await simulator.rule({ target: 't' }, { type: 'halfOpen' });
    const pinged = (): Promise<Error | null> => new Promise((resolve) => session.ping((error) => resolve(error)));
    await push('first');
    expect(await pinged()).toBeNull();
    const lost = push();
    lost.catch(() => undefined);
    await simulator.counts('?total=2&timeoutMs=5000');
    const race = Promise.race([
      pinged().then(() => 'answered'),
      new Promise((resolve) => setTimeout(resolve, 300, 'silent')),
    ]);
    expect(await race).toBe('silent');
    expect(session.destroyed).toBe(false);
  });

  it('truncate says 200 and breaks off in the middle', async () => {
    await simulator.rule({ target: 't' }, { type: 'truncate' });
    await expect(push()).rejects.toThrow();
    await failureOverHttp1('t');
    expect((await simulator.counts()).accepted).toBe(2);
  });
});

describe('connections that FCM ends by itself', () => {
  const goaway = (over: ClientHttp2Session): Promise<unknown> =>
    new Promise((resolve) => {
      over.once('goaway', (code, _last, debug) => resolve([code, Buffer.from(debug ?? []).toString()]));
    });

  it.each([
    ['fcmIdleMs', 'session_timeout'],
    ['fcmMaxAgeMs', 'max_age'],
  ])('by %s', async (setting, debug) => {
    await simulator.control('PUT', '/__settings', { [setting]: 200 });
    const other = simulator.open(simulator.urls.fcm);
    const end = closed(other);
    expect(await goaway(other)).toEqual([0, debug]);
    await end;
  });

  it('after three PINGs without a request', async () => {
    const ended = goaway(session);
    const ping = (): Promise<void> => new Promise((resolve) => session.ping(() => resolve()));
    await ping();
    await ping();
    expect((await push()).status).toBe(200);
    await ping();
    await ping();
    await ping();
    expect(await ended).toEqual([11, 'too_many_pings']);
  });
});

describe('which requests a rule meets', () => {
  const refuse = { type: 'respond', status: 500 };
  const statuses = async (count: number, token = 't'): Promise<number[]> => {
    const seen: number[] = [];
    for (let attempt = 0; attempt < count; attempt += 1) seen.push((await push(token)).status);
    return seen;
  };

  it('the n-th', async () => {
    await simulator.rule({ nth: 2 }, refuse);
    expect(await statuses(4)).toEqual([200, 500, 200, 200]);
  });

  it('every k-th, so many times', async () => {
    await simulator.rule({ every: 2 }, refuse, 2);
    expect(await statuses(7)).toEqual([200, 500, 200, 500, 200, 200, 200]);
  });

  it('a share of them, the same under the same seed', async () => {
    await simulator.rule({ probability: 0.5 }, refuse);
    await simulator.control('POST', '/__seed', { seed: 7 });
    const first = await statuses(20);
    expect(new Set(first)).toEqual(new Set([200, 500]));
    await simulator.control('POST', '/__seed', { seed: 7 });
    expect(await statuses(20)).toEqual(first);
  });

  it('by expression, by header, by provider', async () => {
    await simulator.rule({ regex: '^dead' }, refuse);
    expect([await statuses(1, 'dead-1'), await statuses(1, 'alive')]).toEqual([[500], [200]]);
    await simulator.rule({ header: { name: 'X-Test', value: 'yes' } }, refuse);
    expect((await push('alive', session, { 'x-test': 'yes' })).status).toBe(500);
    expect((await push('alive', session, { 'x-test': 'no' })).status).toBe(200);
    await simulator.rule({ provider: 'apns' }, refuse);
    expect(await statuses(1, 'alive')).toEqual([200]);
  });

  it('says exactly what it is told', async () => {
    await simulator.rule(
      {},
      { type: 'respond', status: 418, body: 'teapot', headers: { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' } },
    );
    const answer = await push();
    expect([answer.status, answer.text, answer.headers['retry-after']]).toEqual([
      418,
      'teapot',
      'Wed, 21 Oct 2026 07:28:00 GMT',
    ]);
  });

  it('goes when it is deleted', async () => {
    const { id } = await simulator.rule({}, refuse);
    expect(await statuses(1)).toEqual([500]);
    await simulator.control('DELETE', `/__rules/${id}`);
    expect(await statuses(1)).toEqual([200]);
  });

  it.each([
    ['an unknown action', { action: { type: 'explode' } }],
    ['a delay without time', { action: { type: 'delay' } }],
    ['a header of two lines', { action: { type: 'respond', status: 500, headers: { a: 'b\nc' } } }],
    ['a broken expression', { match: { regex: '(' }, action: { type: 'hang' } }],
    ['an unknown field', { matches: {}, action: { type: 'hang' } }],
  ])('%s is refused', async (_what, rule) => {
    await expect(simulator.control('POST', '/__rules', rule)).rejects.toThrow('400');
  });
});
