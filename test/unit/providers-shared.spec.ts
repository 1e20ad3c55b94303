import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/lib/clock.js';
import { publicDetail, withoutToken, wordOr } from '../../src/providers/answer.js';
import { collapseIdOf, stableUuids } from '../../src/providers/derive.js';
import { deepMerge } from '../../src/providers/overrides.js';
import type { Credential, SharedToken, SharedTokenStore } from '../../src/providers/provider.js';
import { TokenCache, type TokenResult } from '../../src/providers/token-cache.js';

describe('derived names', () => {
  it('a UUID of version 5, as RFC 9562 makes it', () => {
    // Appendix A.4: namespace DNS, name www.example.com.
    expect(stableUuids('6ba7b810-9dad-11d1-80b4-00c04fd430c8')('www.example.com')).toBe(
      '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    );
  });

  it('a collapse id is the key itself where it fits', () => {
    expect(collapseIdOf('chat-1')).toBe('chat-1');
    expect(collapseIdOf('with space')).toMatch(/^[\w-]{43}$/);
    expect(collapseIdOf('é')).toBe(collapseIdOf('é'));
  });
});

describe('merging', () => {
  it('objects merge, lists and values replace, null removes', () => {
    const base = { a: { b: 1, c: 2 }, d: [1, 2], e: 'x' };
    expect(deepMerge(base, { a: { c: 3 }, d: [9], e: null, f: { g: 1 } })).toEqual({
      a: { b: 1, c: 3 },
      d: [9],
      f: { g: 1 },
    });
    expect(base).toEqual({ a: { b: 1, c: 2 }, d: [1, 2], e: 'x' });
  });

  it('never reaches a prototype', () => {
    const merged = deepMerge({}, JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
  });
});

describe('what may be shown of a provider’s text', () => {
  it.each([
    [
      'a device token',
      'token 740f4707bebcf74f9b7c25d48e3358945f6aa01da5ddb387462c7eaf61bb78ad is bad',
      'token <redacted> is bad',
    ],
    ['an endpoint', 'see https://web.push.apple.com/QGuQyavXutnMH now', 'see <url> now'],
    ['a JWT', 'bad eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL2EifQ.c2ln', 'bad <redacted>'],
    ['words', 'BadEnvironmentKeyIdInToken THIRD_PARTY_AUTH_ERROR', 'BadEnvironmentKeyIdInToken THIRD_PARTY_AUTH_ERROR'],
    ['lines', 'a\r\n\tb\u0000c', 'a b c'],
  ])('%s', (_name, text, expected) => {
    expect(publicDetail(text)).toBe(expected);
  });

  it('nothing of nothing', () => {
    expect([publicDetail(''), publicDetail(7), publicDetail(' \n ')]).toEqual([undefined, undefined, undefined]);
  });
});

describe('the token cache', () => {
  const credential = { id: 'c' } as Credential;
  const policy = {
    keyOf: ({ id }: Credential) => id,
    isFresh: () => true,
    mayReplace: () => true,
    isUsable: () => true,
    mint: () => Promise.reject(new Error('unused')),
  };

  it('trusts the store’s clock, not this machine’s', async () => {
    const clock: Clock = { now: () => new Date(0), monotonicMs: () => 1000 };
    const seen: Date[] = [];
    const stored: SharedToken = { value: 't', issuedAt: new Date(5_000_000), expiresAt: new Date(9_000_000) };
    const store: SharedTokenStore = {
      obtain: async (_credential, accept) => {
        accept(stored, new Date(6_000_000));
        return stored;
      },
    };
    const cache = new TokenCache(store, clock, { ...policy, isUsable: (_token, now) => seen.push(now) > 0 });
    const first = await new Promise<TokenResult>((resolve) => cache.use(credential, resolve));
    expect(first).toEqual({ token: stored, now: new Date(6_000_000) });
    cache.use(credential, () => undefined);
    expect(seen).toEqual([new Date(6_000_000)]);
  });

  it('answers at once, in the same call, while it has one', async () => {
    const store: SharedTokenStore = {
      obtain: async () => ({ value: 't', issuedAt: new Date(), expiresAt: new Date() }),
    };
    const clock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };
    const cache = new TokenCache(store, clock, policy);
    await new Promise<TokenResult>((resolve) => cache.use(credential, resolve));
    let isAnswered = false;
    cache.use(credential, () => {
      isAnswered = true;
    });
    expect(isAnswered).toBe(true);
  });
});

describe('what a provider repeats of a token', () => {
  const parts = () => ['short:Tok3n', 'k3yOfABr0wser'];

  it('is in no code', () => {
    const hex = 'abcdef0123'.repeat(6);
    expect([wordOr(hex, '400'), wordOr('BadDeviceToken', '400')]).toEqual(['400', 'BadDeviceToken']);
    const outcome = withoutToken({ kind: 'message_invalid', code: 'k3yOfABr0wser', status: 400 }, parts);
    expect(outcome).toEqual({ kind: 'message_invalid', code: '400', status: 400 });
  });

  it('is in no text, however short the token is', () => {
    const detail = 'no short:Tok3n (short:Tok3n), auth=k3yOfABr0wser';
    const outcome = withoutToken({ kind: 'token_invalid', code: 'UNREGISTERED', detail }, parts);
    expect(outcome.detail).toBe('no <redacted> (<redacted>), auth=<redacted>');
    expect(outcome.code).toBe('UNREGISTERED');
  });

  it('is not looked for where there is nothing to say', () => {
    const outcome = { kind: 'accepted', code: '200', status: 200 } as const;
    expect(withoutToken(outcome, () => expect.fail('asked'))).toBe(outcome);
  });
});
