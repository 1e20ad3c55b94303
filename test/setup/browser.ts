import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Chromium without a window, with a profile of its own. @throws Error that says how to get it */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: FLAGS });
}

function findChromium(): string {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).flatMap((dir) => NAMES.map((name) => join(dir, name)));
  const candidates = [process.env['CHROMIUM_PATH'] ?? '', '/usr/bin/chromium', ...onPath, chromium.executablePath()];
  const found = candidates.find((path) => path !== '' && existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    'The browser tests need Chromium: apt-get install chromium, or npx playwright-core install chromium, or set CHROMIUM_PATH.',
  );
}

/** A site of its own, as customers have one. */
export interface Site {
  origin: string;
  close(): Promise<void>;
}

/** @param scripts what it serves beside an empty page, by path */
export async function startSite(scripts: Record<string, () => string> = {}): Promise<Site> {
  const server = createServer((request, response) => {
    const script = scripts[request.url ?? ''];
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    response.end(script ? script() : '<!doctype html><title>A site</title><p>Hello');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
