import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { say } from './processes.mjs';

/**
 * Runs `work` while no other process of this clone does; waits for the other to finish. A lock whose owner has died is
 * taken over.
 *
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, work) {
  mkdirSync(dirname(file), { recursive: true });
  const release = await acquire(file);
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

async function acquire(file) {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, startedAt: startTime(process.pid) }));
  try {
    for (let tries = 0; !tryLink(own, file); tries++) {
      const owner = readOwner(file);
      if (owner !== undefined && !isRunning(owner)) dropStale(file, owner);
      else if (tries % 100 === 0)
        say(`waiting for another run (pid ${owner?.pid ?? '?'}) that installs or builds in this folder …`);
      await delay(100);
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => rmSync(file, { force: true });
}

function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Two runs may find the same dead owner; the slower one must not drop the lock that the faster one has just taken. */
function dropStale(file, owner) {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const moved = readOwner(aside);
  if (moved !== undefined && (moved.pid !== owner.pid || moved.startedAt !== owner.startedAt)) tryLink(aside, file);
  rmSync(aside, { force: true });
}

function readOwner(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function isRunning(owner) {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
  }
  return startTime(owner.pid) === owner.startedAt;
}

/** Tells a process from a later one with the same pid; Linux only, elsewhere the pid must do. */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
