import { readEmbeddedConfig } from '../config/embedded-config.js';
import { guardian } from './guardian.js';
import { Home } from './home.js';
import { type ReadyState, Stack } from './stack.js';

const READY_FILE = 'ready.json';

/**
 * `npm start`: brings the whole service up in this clone, keeps it up, and takes it down at SIGINT, SIGTERM or SIGHUP.
 *
 * @returns exit code: 0 after a stop that was asked for
 */
export async function start(): Promise<number> {
  const config = readEmbeddedConfig();
  const home = await Home.open(config.home);
  await home.remove(READY_FILE);
  guardian.removeAtDeath(home.path(READY_FILE));
  const stopRequested = nextStopSignal();
  let announce = async (): Promise<void> => {};
  const stack = new Stack(config, home, say, () => void announce());

  let failure: unknown;
  try {
    const startup = stack.start().then(async (ready) => {
      announce = inTurn(() => home.writeJson(READY_FILE, { ...ready, pids: stack.pids }));
      await announce();
      say(banner(ready, home));
    });
    startup.catch(() => {});
    await Promise.race([startup.then(() => stopRequested), stopRequested]);
    say('stopping');
  } catch (error) {
    failure = error;
    say(error instanceof Error ? error.message : String(error));
  }
  announce = async () => {};
  await home.remove(READY_FILE);
  await stack.stop();
  await home.remove(READY_FILE);
  await home.release();
  say(failure === undefined ? 'stopped' : 'did not start; everything that ran is stopped');
  return failure === undefined ? 0 : 1;
}

/** Runs `work` once for each call, one after the other. */
function inTurn(work: () => Promise<void>): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(work);
    return last;
  };
}

/** The listeners stay: a second Ctrl-C must not cut the stop short and leave something running. */
function nextStopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

function banner(ready: ReadyState, home: Home): string {
  return [
    'ready',
    '',
    `  Console     ${ready.consoleUrl}`,
    `  API         ${ready.baseUrl}`,
    `  API docs    ${ready.baseUrl}/docs`,
    `  Live demo   ${ready.baseUrl}/demo`,
    `  Simulators  ${ready.simulator.controlUrl}`,
    `  Keys        ${home.path(READY_FILE)}`,
    `  Logs        ${home.path('logs')}`,
    '',
    '  Try: npm run demo          Stop: Ctrl-C',
    '',
  ].join('\n');
}

function say(message: string): void {
  process.stdout.write(`carillon: ${message}\n`);
}
