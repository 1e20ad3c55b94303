import { describe, expect, it } from 'vitest';
import { addressGroup } from '../../src/accounts/lock-outs.js';
import { isFromOwnPage, mayReadFrom } from '../../src/accounts/same-origin.js';
import { csrfTokenOf, isCsrfToken, newSecret, sessionSecretOf } from '../../src/accounts/session-cookie.js';
import { consoleRoleOf } from '../../src/http/route.js';

const SECRET = 'A'.repeat(43);

describe('an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:7::1', '2001:db8:0:7::/64'],
    ['2001:0DB8:0000:0007:ffff:ffff:ffff:ffff', '2001:db8:0:7::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('%s counts as %s', (ip, group) => expect(addressGroup(ip)).toBe(group));
});

describe('the session cookie', () => {
  it.each([
    [`__Host-carillon=${SECRET}`, SECRET],
    [`a=b; __Host-carillon=${SECRET}; c=d`, SECRET],
    [`x__Host-carillon=${SECRET}`, undefined],
    [`carillon=${SECRET}`, undefined],
    [`__Host-carillon=${SECRET}A`, undefined],
    [`__Host-carillon=${SECRET.slice(1)}`, undefined],
    [`__Host-carillon="${SECRET}"`, undefined],
    [undefined, undefined],
  ])('%s', (header, secret) => expect(sessionSecretOf(header)).toBe(secret));

  it('has a CSRF token that belongs to it alone', () => {
    const [one, other] = [newSecret(), newSecret()];
    expect(isCsrfToken(csrfTokenOf(one), csrfTokenOf(one))).toBe(true);
    for (const wrong of [csrfTokenOf(other), one, '', undefined, [csrfTokenOf(one)]])
      expect(isCsrfToken(wrong, csrfTokenOf(one))).toBe(false);
  });
});

describe('a page of our own', () => {
  const from = (origin: string | undefined, site?: string, protocol = 'http', host = 'push.example.com') =>
    isFromOwnPage({ protocol, host, headers: { origin, 'sec-fetch-site': site } });

  it('is told by its origin, behind a proxy that ends TLS too', () => {
    expect(from('http://push.example.com')).toBe(true);
    expect(from('https://push.example.com')).toBe(true);
    expect(from('https://push.example.com', 'same-origin', 'https')).toBe(true);
    expect(from(undefined)).toBe(true);
  });

  it.each([
    ['https://evil.example.com', undefined, 'https'],
    ['https://push.example.com.evil.example.com', undefined, 'https'],
    ['https://push.example.com:444', undefined, 'https'],
    ['http://push.example.com', undefined, 'https'],
    ['null', undefined, 'https'],
    ['', undefined, 'https'],
    ['chrome-extension://push.example.com', undefined, 'https'],
    ['https://push.example.com', 'same-site', 'https'],
    [undefined, 'cross-site', 'https'],
    [undefined, 'none', 'https'],
  ])('is not %s with Sec-Fetch-Site %s over %s', (origin, site, protocol) => {
    expect(from(origin, site, protocol)).toBe(false);
  });

  it('or the address bar may read', () => {
    const reads = (site?: string) => mayReadFrom({ protocol: 'https', host: 'x', headers: { 'sec-fetch-site': site } });
    expect([undefined, 'same-origin', 'none'].map(reads)).toEqual([true, true, true]);
    expect(['same-site', 'cross-site', ''].map(reads)).toEqual([false, false, false]);
  });
});

describe('the least role', () => {
  const spec = { summary: '', tag: '', responses: {} };
  it.each([
    ['GET', ['server'], undefined, 'viewer'],
    ['HEAD', ['admin'], undefined, 'viewer'],
    ['POST', ['server'], undefined, 'operator'],
    ['DELETE', ['client', 'server'], undefined, 'operator'],
    ['POST', ['admin'], undefined, 'owner'],
    ['POST', ['client'], undefined, undefined],
    ['GET', ['server'], 'none', undefined],
    ['GET', [], 'viewer', 'viewer'],
    ['GET', [], undefined, undefined],
    ['GET', 'public', 'viewer', undefined],
  ] as const)('of %s for %s with %s is %s', (method, access, own, role) => {
    expect(consoleRoleOf(method, { ...spec, access, ...(own ? { console: own } : {}) })).toBe(role);
  });
});
