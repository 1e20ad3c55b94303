import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/lib/clock.js';
import { parseVapidCredential, VapidHeaders, type VapidSecret } from '../../src/providers/webpush/webpush.auth.js';

const HOUR_MS = 3_600_000;
const ORIGIN = 'https://push.example';

const secret = parseVapidCredential({ subject: 'mailto:push@example.com', generate: true }).secret as VapidSecret;
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

function headersAt(): { headers: VapidHeaders; at(hours: number): void } {
  const startMs = Date.now();
  let offsetMs = 0;
  const clock: Clock = { now: () => new Date(startMs + offsetMs), monotonicMs: () => performance.now() };
  const at = (hours: number) => {
    offsetMs = hours * HOUR_MS;
  };
  return { headers: new VapidHeaders(clock), at };
}

describe('VAPID headers', () => {
  it('one for each key, subject and push service, for ten hours', async () => {
    const { headers, at } = headersAt();
    const first = headers.header(secret, ORIGIN);
    expect(first).toMatch(/^vapid t=[\w-]+\.[\w-]+\.[\w-]+, k=[\w-]+$/);
    at(9.9);
    expect(headers.header({ ...secret }, ORIGIN)).toBe(first);
    await nextTurn();
    expect(headers.header(secret, ORIGIN)).toBe(first);
    expect(headers.header(secret, 'https://other.example')).not.toBe(first);
    expect(headers.header({ ...secret, subject: 'mailto:other@example.com' }, ORIGIN)).not.toBe(first);
  });

  it('then a new one is made beside the sends, which go on with the old one meanwhile', async () => {
    const { headers, at } = headersAt();
    const first = headers.header(secret, ORIGIN);
    at(10.5);
    expect(headers.header(secret, ORIGIN)).toBe(first);
    expect(headers.header(secret, ORIGIN)).toBe(first);
    await nextTurn();
    const second = headers.header(secret, ORIGIN);
    expect(second).not.toBe(first);
    await nextTurn();
    expect(headers.header(secret, ORIGIN)).toBe(second);
  });

  it('one that nobody used for long is made anew before it is sent', () => {
    const { headers, at } = headersAt();
    const first = headers.header(secret, ORIGIN);
    at(11.1);
    expect(headers.header(secret, ORIGIN)).not.toBe(first);
  });

  it('a key that cannot sign gives none, at once and in the background', async () => {
    const { headers, at } = headersAt();
    expect(headers.header({ ...secret, privateKey: 'AAAA' }, ORIGIN)).toBeUndefined();
    const first = headers.header(secret, ORIGIN);
    at(10.5);
    expect(headers.header({ ...secret, privateKey: 'AAAA' }, ORIGIN)).toBe(first);
    await nextTurn();
    expect(headers.header(secret, ORIGIN)).toBe(first);
  });
});
