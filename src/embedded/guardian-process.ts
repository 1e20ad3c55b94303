/**
 * A process of its own that outlives a supervisor that was killed, and then ends the supervisor's children. It learns of
 * the death by the end of its stdin, which no kind of death can prevent. Started straight from source in the tests, hence no
 * imports from src and only erasable TypeScript.
 */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** One line of stdin, as JSON. */
export type GuardianCommand =
  | { do: 'guard'; pid: number; signal: NodeJS.Signals }
  | { do: 'release'; pid: number }
  | { do: 'removeAtDeath'; path: string };

const GRACE_MS = 10_000;
const POLL_MS = 50;

const guarded = new Map<number, NodeJS.Signals>();
const paths: string[] = [];

function obey(command: GuardianCommand): void {
  if (command.do === 'guard') guarded.set(command.pid, command.signal);
  else if (command.do === 'release') guarded.delete(command.pid);
  else paths.push(command.path);
}

function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** A zombie, whose new parent has not asked for it yet, counts as ended. */
function isRunning(pid: number): boolean {
  if (!kill(pid, 0)) return false;
  if (process.platform !== 'linux') return true;
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

async function reap(): Promise<void> {
  // Files at once, since a successor may soon write them anew; folders when nobody writes into them any more.
  for (const path of paths) if (!isFolder(path)) rmSync(path, { force: true });
  for (const [pid, signal] of guarded) kill(pid, signal);
  const deadline = Date.now() + GRACE_MS;
  while ([...guarded.keys()].some(isRunning) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  for (const pid of guarded.keys()) if (isRunning(pid)) kill(pid, 'SIGKILL');
  for (const path of paths) await removeFolder(path);
}

/** What was not guarded, such as an initdb, may for a moment still write or clean up there itself. */
async function removeFolder(path: string): Promise<void> {
  const deadline = Date.now() + GRACE_MS;
  while (isFolder(path) && Date.now() < deadline) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => obey(JSON.parse(line) as GuardianCommand));
lines.on('close', () => void reap());
