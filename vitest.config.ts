import { defineConfig } from 'vitest/config';

const PURE = ['test/unit/**/*.spec.ts', 'test/architecture.spec.ts'];

export default defineConfig({
  test: {
    globals: false,
    // Integration files share one Postgres and one Redis but never a database; more workers than cores only adds noise.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'unit', include: PURE } },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/**/*.spec.ts'],
          exclude: PURE,
          globalSetup: 'test/setup/servers.ts',
          testTimeout: 30_000,
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
