import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { childEnvironment } from '../../src/config/embedded-config.js';
import type { FoundTool } from '../../src/embedded/debian-packages.js';
import { guardian } from '../../src/embedded/guardian.js';
import { choosePort } from '../../src/embedded/ports.js';
import { CertificateAuthority, type Identity } from '../../src/simulator/ca.js';
import { Home } from '../../src/simulator/home.js';

/** A server that the contenders talk to, in a process of its own. */
export interface Served {
  /** `https://127.0.0.1:<port>` */
  url: string;
  /** PEM of the authority that signed its certificate. */
  ca: string;
  pid: number;
  stop(): Promise<void>;
}

/** Names that the vendor packages insist on. */
const HOSTS = ['127.0.0.1', 'localhost', 'fcm.googleapis.com'];

const READY_TIMEOUT_MS = 10_000;
const READY_POLL_MS = 20;

/** One authority and one certificate for every server of a run. */
export function identityIn(workDir: string): Identity & { ca: string } {
  const authority = CertificateAuthority.open(new Home(join(workDir, 'pki')));
  return { ...authority.issue(HOSTS), ca: authority.cert };
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(workDir: string, name: string): Promise<number> {
  return choosePort(join(workDir, `${name}.port`));
}

/**
 * Starts a server and waits until it takes connections.
 *
 * @throws Error with its last words when it ends before that
 */
export async function serve(
  { command, env }: FoundTool,
  args: readonly string[],
  port: number,
  ca: string,
): Promise<Served> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: childEnvironment(env) });
  if (child.pid !== undefined) guardian.guard(child.pid, 'SIGKILL');
  let lastWords = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-1_000);
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      lastWords = error.message;
      resolve();
    });
    child.once('close', () => {
      if (child.pid !== undefined) guardian.release(child.pid);
      resolve();
    });
  });
  await untilListening(child, port, () => lastWords);
  return {
    url: `https://127.0.0.1:${port}`,
    ca,
    // Without one it would not listen.
    pid: child.pid ?? 0,
    stop: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

async function untilListening(child: ChildProcess, port: number, lastWords: () => string): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null || child.pid === undefined || performance.now() > deadlineMs) {
      child.kill('SIGKILL');
      throw new Error(`${child.spawnfile} did not start: ${lastWords().trim()}`);
    }
    await delay(READY_POLL_MS);
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
