import { describe, expect, it } from 'vitest';
import { assertOwnMachine } from '../../src/demo/own-machine.js';

type Asked = Parameters<typeof assertOwnMachine>[0];

function isServed(remoteAddress: string | undefined, headers: Record<string, string>): boolean {
  try {
    assertOwnMachine({ socket: { remoteAddress }, headers } as unknown as Asked);
    return true;
  } catch {
    return false;
  }
}

describe('the demo', () => {
  it.each([
    ['127.0.0.1', { host: '127.0.0.1:8080' }],
    ['::1', { host: '[::1]:8080' }],
    ['::ffff:127.0.0.1', { host: 'localhost' }],
    ['127.0.0.1', { host: 'localhost:8080', origin: 'http://localhost:8080' }],
  ])('serves a page of its own, from %s with %j', (address, headers) => {
    expect(isServed(address, headers)).toBe(true);
  });

  it.each([
    ['another machine', '192.0.2.1', { host: '127.0.0.1:8080' }],
    ['an unknown address', undefined, { host: '127.0.0.1:8080' }],
    ['a name that was made to lead here', '127.0.0.1', { host: 'evil.example:8080' }],
    ['a name that only begins like it', '127.0.0.1', { host: '127.0.0.1.evil.example' }],
    ['no name', '127.0.0.1', {}],
    ['a page of another site', '127.0.0.1', { host: 'localhost:8080', origin: 'https://evil.example' }],
    ['a page of another port', '127.0.0.1', { host: 'localhost:8080', origin: 'http://localhost:3000' }],
    ['a page without an origin of its own', '127.0.0.1', { host: 'localhost:8080', origin: 'null' }],
    ['a proxy on the same machine', '127.0.0.1', { host: '127.0.0.1:8080', 'x-forwarded-for': '192.0.2.1' }],
    ['a proxy that says so otherwise', '127.0.0.1', { host: '127.0.0.1:8080', forwarded: 'for=192.0.2.1' }],
  ])('refuses %s', (_, address, headers) => {
    expect(isServed(address, headers as Record<string, string>)).toBe(false);
  });
});
