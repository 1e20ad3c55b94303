import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ManagedProcess } from '../../src/embedded/managed-process.js';
import { choosePort } from '../../src/embedded/ports.js';
import { PROJECT, type Sink, type Stack } from './stack.js';

const READY_TIMEOUT_MS = 10_000;
const READY_POLL_MS = 20;

/** What FCM answers to an accepted message. */
export const FCM_ANSWER = JSON.stringify({ name: `projects/${PROJECT}/messages/0:1700000000000000%31bd1c9631bd1c96` });
export const SEND_PATH = `/v1/projects/${PROJECT}/messages:send`;

/**
 * FCM as nghttpd can be it: a file that every POST is answered with, over TLS, 100 streams per connection as FCM allows.
 * The cheapest receiver that nobody here wrote; it counts nothing.
 *
 * @throws Error when there is no nghttpd
 */
export async function startNghttpd(stack: Stack): Promise<Sink> {
  const dir = stack.path('nghttpd');
  const file = join(dir, 'htdocs', SEND_PATH);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, FCM_ANSWER);
  const { cert, key } = stack.authority.issue(['127.0.0.1']);
  await writeFile(join(dir, 'cert.pem'), cert);
  await writeFile(join(dir, 'key.pem'), key, { mode: 0o600 });
  const port = await choosePort(join(dir, 'port'));
  const server = await ManagedProcess.start({
    name: 'nghttpd',
    command: 'nghttpd',
    args: [
      '-a',
      '127.0.0.1',
      '-d',
      join(dir, 'htdocs'),
      '-m',
      '100',
      String(port),
      join(dir, 'key.pem'),
      join(dir, 'cert.pem'),
    ],
    recordFile: join(dir, 'nghttpd.pid.json'),
    logFile: join(dir, 'nghttpd.log'),
    stopSignal: 'SIGTERM',
    orphanSignal: 'SIGKILL',
  });
  await untilListening(port, server);
  return { url: `https://127.0.0.1:${port}`, pid: server.pid, stop: () => server.stop(2_000) };
}

/** It says nothing of itself unless it is to say everything. */
async function untilListening(port: number, server: ManagedProcess): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (server.isRunning && performance.now() < deadlineMs) {
    if (await isListening(port)) return;
    await delay(READY_POLL_MS);
  }
  await server.stop(0);
  throw new Error(`nghttpd does not listen: ${server.lastLines()}`);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
