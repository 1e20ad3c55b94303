import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const OUT = fileURLToPath(new URL('../dist/console', import.meta.url));
/** Bytes. Below it the headers weigh more than what is saved. */
const WORTH_COMPRESSING = 1_024;

/** Compresses once, while building, and lists what the api may serve: see src/http/built-console.ts. */
function compressed(): Plugin {
  return {
    name: 'carillon-compressed',
    apply: 'build',
    closeBundle() {
      const files: Record<string, string[]> = {};
      for (const name of readdirSync(join(OUT, 'assets'))) {
        const body = readFileSync(join(OUT, 'assets', name));
        const isWorthIt = /\.(js|css|svg)$/.test(name) && body.length > WORTH_COMPRESSING;
        if (isWorthIt) {
          writeFileSync(join(OUT, 'assets', `${name}.br`), brotliCompressSync(body));
          writeFileSync(join(OUT, 'assets', `${name}.gz`), gzipSync(body, { level: 9 }));
        }
        files[`assets/${name}`] = isWorthIt ? ['br', 'gzip'] : [];
      }
      writeFileSync(join(OUT, 'files.json'), JSON.stringify({ files }));
    },
  };
}

/** `npm run build` calls it. While working on pages: `npx vite console`, beside `npm start`, which answers the API. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/console/',
  plugins: [react(), compressed()],
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2022',
    // A data: URL would be refused by the content security policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_000,
  },
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/sdk', '/realtime', '/openapi.json'].map((path) => [
        path,
        { target: 'http://127.0.0.1:8080', ws: true },
      ]),
    ),
  },
});
