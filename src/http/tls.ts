import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { Server } from 'node:https';
import type { Config } from '../config/config.js';

interface TlsFiles {
  cert: Buffer;
  key: Buffer;
}

/** Milliseconds between looks at the files; certificates are replaced weeks before they run out. */
const WATCH_INTERVAL_MS = 2_000;

/**
 * Certificate and key when both are configured.
 *
 * @throws Error when only one of them is, or a file cannot be read
 */
export function readTls(config: Pick<Config, 'TLS_CERT_FILE' | 'TLS_KEY_FILE'>): TlsFiles | undefined {
  const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } = config;
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new Error('TLS_CERT_FILE and TLS_KEY_FILE are only of use together');
  }
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}

/**
 * Serves a renewed certificate to new connections as soon as the files change. Files that do not fit together, as in
 * the moment between the two writes, are reported and leave the old ones in force.
 *
 * @param server the one that listens; a plain HTTP server has no certificate to renew
 * @param report gets the outcome of each reload; an error says why the old certificate stays
 * @returns stops watching
 */
export function followTls(
  config: Pick<Config, 'TLS_CERT_FILE' | 'TLS_KEY_FILE'>,
  server: object,
  report: (error?: unknown) => void,
): () => void {
  if (!(server instanceof Server)) return () => undefined;
  const files = [config.TLS_CERT_FILE, config.TLS_KEY_FILE].filter((file) => file !== undefined);
  const reload = () => {
    try {
      const tls = readTls(config);
      if (tls) server.setSecureContext(tls);
      report();
    } catch (error) {
      report(error);
    }
  };
  for (const file of files) watchFile(file, { interval: WATCH_INTERVAL_MS, persistent: false }, reload);
  return () => {
    for (const file of files) unwatchFile(file, reload);
  };
}
