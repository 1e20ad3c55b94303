import { defineConfig } from 'vitest/config';

const PURE = ['test/unit/**/*.spec.ts', 'test/architecture.spec.ts'];
const IN_BROWSER = ['test/browser/**/*.spec.ts'];
/** Thousands of connections at once: they take all of the machine, so nothing else may be measured beside them. */
const CROWDS = ['test/faults/realtime-{resume,slow}.spec.ts'];

export default defineConfig({
  test: {
    globals: false,
    // Files share one Postgres and one Redis but never a database. Most of their time they wait for something to happen.
    maxWorkers: 3,
    projects: [
      { extends: true, test: { name: 'unit', include: PURE } },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/**/*.spec.ts'],
          exclude: [...PURE, ...IN_BROWSER, ...CROWDS],
          globalSetup: 'test/setup/servers.ts',
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'crowds',
          include: CROWDS,
          globalSetup: 'test/setup/servers.ts',
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: IN_BROWSER,
          globalSetup: ['test/setup/servers.ts', 'test/setup/chromium.ts'],
          // Chromium shares the cores with everything else that is tested.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // The adapters once more over node:http2, the fallback of PROVIDER_TRANSPORT.
        extends: true,
        test: {
          name: 'node transport',
          include: ['test/contract/{fcm,apns,webpush}-*.spec.ts'],
          env: { PROVIDER_TRANSPORT: 'node' },
          testTimeout: 30_000,
        },
      },
    ],
  },
});
