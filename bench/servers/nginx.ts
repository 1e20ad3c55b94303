import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTool, NGINX, toolCacheDirs } from '../../src/embedded/debian-packages.js';
import type { Bench } from '../section.js';
import { freePort, identityIn, type Served, serve } from './served.js';

/** What is answered to every path that begins so. */
export interface Answer {
  path: string;
  status: number;
  /** JSON. */
  body?: string;
}

/**
 * nginx over TLS on loopback, for clients that speak HTTP/1.1 as well as for HTTP/2.
 *
 * @throws Error that says how to get nginx
 */
export async function startNginx(bench: Bench, answers: readonly Answer[]): Promise<Served> {
  const tool = await findTool(NGINX, toolCacheDirs(), bench.say);
  const port = await freePort(bench.workDir, 'nginx');
  const home = join(bench.workDir, `nginx-${port}`);
  await mkdir(home, { recursive: true });
  const { key, cert, ca } = identityIn(bench.workDir);
  await writeFile(join(home, 'key.pem'), key, { mode: 0o600 });
  await writeFile(join(home, 'cert.pem'), cert);
  await writeFile(join(home, 'nginx.conf'), configuration(home, port, answers));
  return serve(tool, ['-p', home, '-c', join(home, 'nginx.conf'), '-e', join(home, 'error.log')], port, ca);
}

function configuration(home: string, port: number, answers: readonly Answer[]): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const locations = answers.map(
    ({ path, status, body = '' }) =>
      `    location ${path} { default_type application/json; return ${status} '${body}'; }`,
  );
  // A connection is not to be closed within a measurement.
  return `daemon off;
master_process off;
pid ${home}/nginx.pid;
error_log ${home}/error.log error;
events { worker_connections 4096; }
http {
  access_log off;
${folders.map((name) => `  ${name}_temp_path ${home}/${name};`).join('\n')}
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${home}/cert.pem;
    ssl_certificate_key ${home}/key.pem;
    http2_max_concurrent_streams 128;
${locations.join('\n')}
  }
}
`;
}
