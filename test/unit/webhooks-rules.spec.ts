import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { SECRET_BYTES, signedHeaders, webhookSecret } from '../../src/webhooks/signature.js';
import { nextDelayMs, RETRY_SCHEDULE_MS, settlementOf, verdictOf } from '../../src/webhooks/verdict.js';
import { isAllowedAddress, problemOfUrl } from '../../src/webhooks/webhook.js';

const HOUR_MS = 3_600_000;
const OLD = webhookSecret(Buffer.alloc(SECRET_BYTES, 1));
const NEW = webhookSecret(Buffer.alloc(SECRET_BYTES, 2));
const BODY = '{"type":"webhook.test","data":{"name":"벨"}}';

describe('the signature', () => {
  it('is what the receivers’ own package verifies', () => {
    const headers = signedHeaders([NEW], 'id-1', new Date(), BODY);
    expect(new Webhook(NEW).verify(BODY, headers)).toEqual(JSON.parse(BODY));
    expect(() => new Webhook(OLD).verify(BODY, headers)).toThrow();
    expect(() => new Webhook(NEW).verify(BODY.replace('벨', '종'), headers)).toThrow();
    expect(() => new Webhook(NEW).verify(BODY, { ...headers, 'webhook-id': 'id-2' })).toThrow();
  });

  it('verifies with either secret while one replaces the other', () => {
    const headers = signedHeaders([NEW, OLD], 'id-1', new Date(), BODY);
    expect(headers['webhook-signature']).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/);
    for (const secret of [OLD, NEW]) expect(new Webhook(secret).verify(BODY, headers)).toEqual(JSON.parse(BODY));
  });

  it('tells the time, so that an old call cannot be played again', () => {
    const headers = signedHeaders([NEW], 'id-1', new Date(Date.now() - HOUR_MS), BODY);
    expect(() => new Webhook(NEW).verify(BODY, headers)).toThrow(/old/);
  });

  it('matches the example of the standard', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const at = new Date(1_614_265_330_000);
    expect(signedHeaders([secret], 'msg_p5jXN8AQM9LWM0D4loKWxJek', at, '{"test": 2432232314}')).toMatchObject({
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });
});

describe('the schedule', () => {
  it('lasts three days, with a fifth more or less at random', () => {
    const sum = (random: number) =>
      RETRY_SCHEDULE_MS.reduce((total, _, step) => total + (nextDelayMs(step, undefined, random) ?? 0), 0);
    expect(sum(0.5)).toBeGreaterThan(72 * HOUR_MS);
    expect(sum(0.5)).toBeLessThan(84 * HOUR_MS);
    expect(nextDelayMs(0, undefined, 0)).toBe(4_000);
    expect(nextDelayMs(0, undefined, 0.999_999)).toBeLessThanOrEqual(6_000);
    expect(nextDelayMs(RETRY_SCHEDULE_MS.length, undefined, 0)).toBeNull();
  });

  it('is never shorter than what the receiver asks for', () => {
    expect(nextDelayMs(0, 7_200_000, 0.5)).toBe(7_200_000);
    expect(nextDelayMs(3, 1_000, 0.5)).toBe(2 * HOUR_MS);
  });
});

describe('what follows from an answer', () => {
  const now = new Date('2026-11-22T12:00:00Z');
  const response = (status: number, headers: Record<string, string> = {}) =>
    ({ kind: 'response', status, headers, body: Buffer.alloc(0), connection: 'c1' }) as const;

  it.each([
    [response(200), { kind: 'succeeded', status: 200 }],
    [response(204), { kind: 'succeeded', status: 204 }],
    [response(302, { location: 'http://10.0.0.1/' }), { kind: 'failed', status: 302, error: 'redirect' }],
    [response(410), { kind: 'gone', status: 410, error: 'gone' }],
    [response(500), { kind: 'failed', status: 500, error: 'http_500' }],
    [
      response(429, { 'retry-after': '120' }),
      { kind: 'failed', status: 429, error: 'http_429', retryAfterMs: 120_000 },
    ],
    [
      response(503, { 'retry-after': 'Sun, 22 Nov 2026 12:01:00 GMT' }),
      { kind: 'failed', status: 503, error: 'http_503', retryAfterMs: 60_000 },
    ],
    [
      response(503, { 'retry-after': '99999999' }),
      { kind: 'failed', status: 503, error: 'http_503', retryAfterMs: 24 * HOUR_MS },
    ],
    [{ kind: 'not_processed', reason: 'dns' } as const, { kind: 'failed', status: null, error: 'dns' }],
    [{ kind: 'ambiguous', reason: 'timeout' } as const, { kind: 'failed', status: null, error: 'timeout' }],
  ])('%j', (result, verdict) => {
    expect(verdictOf(result, now)).toEqual(verdict);
  });

  it('a test is sent once', () => {
    const verdict = verdictOf(response(500), now);
    expect(settlementOf({ type: 'webhook.test', step: 0 }, verdict, 0.5).state).toBe('given_up');
    expect(settlementOf({ type: 'delivery.failed', step: 0 }, verdict, 0.5)).toMatchObject({
      state: 'pending',
      delayMs: 5_000,
    });
  });
});

describe('a URL that events are to go to', () => {
  it.each([
    ['https://hooks.example.com/carillon?tenant=1', undefined],
    ['https://hooks.example.com:8443/', undefined],
    ['https://1.1.1.1/', undefined],
    ['http://hooks.example.com/', 'must be an https URL'],
    ['ftp://hooks.example.com/', 'must be an https URL'],
    ['hooks.example.com', 'must be an https URL'],
    ['https://hooks.example.com\\@10.0.0.1/', 'must be an https URL'],
    ['https://user:secret@hooks.example.com/', 'must not hold a user name or password'],
    ['https://hooks.example.com/#there', 'must not have a fragment'],
    ['https://localhost/', 'must be at a public address'],
    ['https://api.localhost./', 'must be at a public address'],
    ['https://metadata.google.internal/', 'must be at a public address'],
    ['https://127.0.0.1/', 'must be at a public address'],
    ['https://0x7f.1/', 'must be at a public address'],
    ['https://2130706433/', 'must be at a public address'],
    ['https://169.254.169.254/latest', 'must be at a public address'],
    ['https://[::1]/', 'must be at a public address'],
    ['https://[::ffff:10.0.0.1]/', 'must be at a public address'],
    [`https://hooks.example.com/${'x'.repeat(3_000)}`, 'has 3026 characters, at most 2048 are allowed'],
  ])('%s: %s', (url, problem) => {
    expect(problemOfUrl(url, false)).toBe(problem);
  });

  it('may be http and loopback where that is allowed, and inside the network nowhere', () => {
    for (const url of ['http://localhost:1/', 'http://127.0.0.1:1/', 'https://[::1]/', 'http://hooks.example.com/']) {
      expect(problemOfUrl(url, true)).toBeUndefined();
    }
    expect(problemOfUrl('http://10.0.0.1/', true)).toBe('must be at a public address');
    expect(isAllowedAddress('127.0.0.1', true)).toBe(true);
    expect(isAllowedAddress('127.0.0.1', false)).toBe(false);
    expect(isAllowedAddress('192.168.1.1', true)).toBe(false);
  });
});
