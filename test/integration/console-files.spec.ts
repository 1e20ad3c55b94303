import { readdir } from 'node:fs/promises';
import { get } from 'node:http';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

const ASSETS = resolve(import.meta.dirname, '../../dist/console/assets');
/** Bytes. The whole first load, compressed. */
const FIRST_LOAD_LIMIT = 350 * 1_024;

let database: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

/** As it comes over the wire: `fetch` would decompress it, and clean up the path. */
function raw(
  path: string,
  encodings = 'gzip, br',
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; bytes: number }> {
  const { hostname, port } = new URL(api.baseUrl);
  return new Promise((done, failed) => {
    get({ hostname, port, path, headers: { 'accept-encoding': encodings } }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, bytes }));
    }).on('error', failed);
  });
}

describe('the files of the console', () => {
  it('are one page at every address, which runs no script but its own', async () => {
    for (const path of ['/console', '/console/', '/console/apps/x/notifications', '/console/../console/sign-in']) {
      const { status, headers, body } = await call(api, 'GET', path);
      expect(status, path).toBe(200);
      expect(body).toContain('<div id="console">');
      expect(headers.get('cache-control')).toBe('no-store');
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'; script-src 'self'; ");
      expect(policy).not.toContain('unsafe');
      const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
      expect(body).toContain(`<meta property="csp-nonce" nonce="${nonce}"`);
      expect(body).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|style=/);
    }
    const one = await call(api, 'GET', '/console');
    const other = await call(api, 'GET', '/console');
    expect(one.headers.get('content-security-policy')).not.toBe(other.headers.get('content-security-policy'));
  });

  it('are small, compressed, and kept for ever', async () => {
    const { body } = await call(api, 'GET', '/console');
    const named = [...body.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
    const chunks = (await readdir(ASSETS)).filter((name) => /^(overview-page|chart|client)-.*\.(js|css)$/.test(name));
    const paths = new Set([...named, ...chunks.map((name) => `/console/assets/${name}`)]);
    expect(paths.size).toBeGreaterThanOrEqual(3);
    let total = body.length;
    for (const path of paths) {
      const answer = await raw(path);
      expect(answer.status, path).toBe(200);
      expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
      total += answer.bytes;
    }
    expect(total).toBeLessThan(FIRST_LOAD_LIMIT);

    const script = named.find((path) => path.endsWith('.js')) ?? '';
    const [br, gzip, plain] = await Promise.all([raw(script), raw(script, 'gzip'), raw(script, 'identity')]);
    expect([br, gzip, plain].map(({ headers }) => headers['content-encoding'])).toEqual(['br', 'gzip', undefined]);
    expect(br.bytes).toBeLessThan(gzip.bytes);
    expect(gzip.bytes).toBeLessThan(plain.bytes);
  });

  it('are those that were built, and no others', async () => {
    for (const path of [
      'assets/none.js',
      'assets/../index.html',
      'assets/..%2f..%2f..%2fpackage.json',
      'assets/%2e%2e/files.json',
    ]) {
      const { status, headers, bytes } = await raw(`/console/${path}`);
      const isThePage = headers['content-security-policy'] !== undefined && bytes < 2_000;
      expect(status === 404 || isThePage, path).toBe(true);
    }
    expect((await call(api, 'POST', '/console')).status).toBe(405);
  });
});
