import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    chromiumPath: string;
  }
}

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const INSTALL_TIMEOUT_MS = 600_000;

const run = promisify(execFile);

/** Finds Chromium, or brings it: Debian's where we may install it, else the one that Playwright downloads. */
export default async function setup(project: TestProject): Promise<void> {
  if (findChromium() === undefined) await install();
  const found = findChromium();
  if (found === undefined) throw new Error(advice('it is still not there'));
  project.provide('chromiumPath', found);
}

function findChromium(): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).flatMap((dir) => NAMES.map((name) => join(dir, name)));
  const candidates = [process.env['CHROMIUM_PATH'] ?? '', '/usr/bin/chromium', ...onPath, chromium.executablePath()];
  return candidates.find((path) => path !== '' && existsSync(path));
}

async function install(): Promise<void> {
  const options = { timeout: INSTALL_TIMEOUT_MS, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  process.stderr.write('installing Chromium for the browser tests; CHROMIUM_PATH names one that is there\n');
  try {
    if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
      await run('apt-get', ['update'], options);
      await run('apt-get', ['install', '--yes', '--no-install-recommends', 'chromium'], options);
    } else {
      const cli = join(createRequire(import.meta.url).resolve('playwright-core/package.json'), '../cli.js');
      await run(process.execPath, [cli, 'install', 'chromium'], options);
    }
  } catch (error) {
    throw new Error(advice(error instanceof Error ? error.message : String(error)), { cause: error });
  }
}

function advice(why: string): string {
  return `The browser tests need Chromium: apt-get install chromium, or npx playwright-core install chromium, or set CHROMIUM_PATH (${why})`;
}
