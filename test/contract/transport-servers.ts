import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { inject } from 'vitest';
import { type DebianTool, findTool, NGHTTPD, NGINX, toolCacheDirs } from '../../src/embedded/debian-packages.js';
import { ManagedProcess } from '../../src/embedded/managed-process.js';
import { choosePort } from '../../src/embedded/ports.js';
import { eventually } from '../setup/eventually.js';
import type { EchoServer } from './transport-conformance.js';
import { IDENTITY } from './transport-peers.js';

/** What `GET /large.bin` gives on every server here. */
export const LARGE = Buffer.alloc(1_000_000, 'abc');

/** A server as a process of its own. */
export interface ServerProcess extends EchoServer {
  pid: number;
  /** Signals the process and its children. */
  signal(signal: NodeJS.Signals): void;
  exited: Promise<unknown>;
}

interface Setting {
  dir: string;
  port: number;
  keyFile: string;
  certFile: string;
}

async function prepare(name: string): Promise<Setting> {
  const dir = await mkdtemp(join(inject('runDir'), `${name}-`));
  const [keyFile, certFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  await mkdir(join(dir, 'html'));
  await Promise.all([
    writeFile(keyFile, IDENTITY.key),
    writeFile(certFile, IDENTITY.cert),
    writeFile(join(dir, 'html', 'large.bin'), LARGE),
  ]);
  return { dir, keyFile, certFile, port: await choosePort(join(dir, 'port')) };
}

async function launch(
  tool: DebianTool,
  { dir, port }: Setting,
  args: readonly string[],
  complaints: () => Promise<string[]>,
): Promise<ServerProcess> {
  const { command, env } = await findTool(tool, toolCacheDirs(), (message) => process.stderr.write(`${message}\n`));
  const server = await ManagedProcess.start({
    name: tool.name,
    command,
    args,
    env,
    recordFile: join(dir, 'pid.json'),
    logFile: join(dir, 'output.log'),
    stopSignal: 'SIGTERM',
    orphanSignal: 'SIGTERM',
  });
  await eventually(() => isListening(port)).catch((cause) => {
    throw new Error(`${tool.name} does not listen:\n${server.lastLines()}`, { cause });
  });
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    sockets: [],
    pid: server.pid,
    // It leads a group of its own.
    signal: (signal) => process.kill(-server.pid, signal),
    exited: server.exited,
    complaints,
    close: () => server.stop(5_000),
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function linesOf(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
}

/** nghttp2's own server. It tells of every frame, among them the errors that it finds in ours. */
export async function startNghttpd(options: readonly string[] = []): Promise<ServerProcess> {
  const setting = await prepare('nghttpd');
  const { dir, port, keyFile, certFile } = setting;
  const fixed = ['--verbose', '--address=127.0.0.1', `--htdocs=${join(dir, 'html')}`, '--echo-upload'];
  return launch(NGHTTPD, setting, [...fixed, ...options, String(port), keyFile, certFile], async () => {
    const lines = await linesOf(join(dir, 'output.log'));
    return lines.filter((line) => /error_code=(?!NO_ERROR|CANCEL)|\[INVALID/.test(line));
  });
}

/** Lines of nginx.conf for its server, and how its application answers. */
export interface NginxOptions {
  /** Of `http {}`. */
  lines?: readonly string[];
  /** Milliseconds that the application takes; by default none. */
  delayMs?: (path: string) => number;
}

export interface NginxServer extends ServerProcess {
  /** Requests of each path that reached the application behind nginx. */
  reached: Map<string, number>;
  /** Requests of each path in the access log, which has one line for each that nginx took up. */
  logged(): Promise<Map<string, number>>;
}

/** nginx before an application that gives bodies back. */
export async function startNginx({ lines = [], delayMs = () => 0 }: NginxOptions = {}): Promise<NginxServer> {
  const setting = await prepare('nginx');
  const { dir } = setting;
  const reached = new Map<string, number>();
  const application = await startApplication(reached, delayMs);
  const config = join(dir, 'nginx.conf');
  await writeFile(config, nginxConfig(setting, lines, application.port));
  const errors = join(dir, 'error.log');
  const server = await launch(NGINX, setting, ['-p', dir, '-e', errors, '-c', config], async () =>
    (await linesOf(errors)).filter((line) => /client sent|\[(crit|alert|emerg)\]/.test(line)),
  );
  const close = async (): Promise<void> => {
    await server.close();
    application.close();
  };
  const logged = async (): Promise<Map<string, number>> => {
    const times = new Map<string, number>();
    for (const path of await linesOf(join(dir, 'access.log'))) times.set(path, (times.get(path) ?? 0) + 1);
    return times;
  };
  return { ...server, close, reached, logged };
}

async function startApplication(reached: Map<string, number>, delayMs: (path: string) => number) {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '';
    reached.set(path, (reached.get(path) ?? 0) + 1);
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => setTimeout(() => response.end(Buffer.concat(chunks)), delayMs(path)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { port, close };
}

function nginxConfig(setting: Setting, lines: readonly string[], applicationPort: number): string {
  const { dir, port, keyFile, certFile } = setting;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log info;
${process.getuid?.() === 0 ? 'user root root;' : ''}
events { worker_connections 1024; }
http {
  log_format path '$request_uri';
  access_log ${dir}/access.log path;
  ${temporary.map((name) => `${name}_temp_path ${dir}/${name};`).join('\n  ')}
  client_max_body_size 20m;
  ${lines.join('\n  ')}
  upstream application { server 127.0.0.1:${applicationPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${certFile};
    ssl_certificate_key ${keyFile};
    location = /large.bin { root ${dir}/html; }
    location / {
      proxy_pass http://application;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream off;
    }
  }
}
`;
}
