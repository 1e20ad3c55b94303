import { chmod, link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reapOrphan } from './managed-process.js';
import { identify, isRunning, type ProcessIdentity } from './process-table.js';

const OWNER_FILE = 'owner.json';

/** The data folder of the embedded default, owned by one supervisor at a time. */
export class Home {
  private constructor(readonly dir: string) {}

  /**
   * Makes the folder when it is missing, takes possession, and ends what a killed owner left running.
   *
   * @throws Error with a sentence for the person who started a second one
   */
  static async open(dir: string): Promise<Home> {
    const home = new Home(dir);
    for (const folder of [dir, home.path('run'), home.path('logs')])
      await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(dir, 0o700);
    await home.takePossession();
    await home.reapOrphans();
    return home;
  }

  path(...parts: string[]): string {
    return join(this.dir, ...parts);
  }

  recordFile(name: string): string {
    return this.path('run', `${name}.pid.json`);
  }

  logFile(name: string): string {
    return this.path('logs', `${name}.log`);
  }

  async readJson<T>(name: string): Promise<T | undefined> {
    const text = await readFile(this.path(name), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  /** Mode 0600, by rename: a reader sees the old content or the new, never half of it. */
  async writeJson(name: string, value: unknown): Promise<void> {
    const unfinished = this.path(`${name}.unfinished`);
    await writeFile(unfinished, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
    await rename(unfinished, this.path(name));
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name), { force: true });
  }

  async release(): Promise<void> {
    await this.remove(OWNER_FILE);
  }

  private async takePossession(): Promise<void> {
    const own = this.path(`owner.${process.pid}`);
    await writeFile(own, JSON.stringify(identify(process.pid)), { mode: 0o600 });
    try {
      while (!(await linkIfAbsent(own, this.path(OWNER_FILE)))) {
        const owner = await readIdentity(this.path(OWNER_FILE));
        if (owner !== undefined && isRunning(owner)) {
          throw new Error(
            `Carillon already runs in ${this.dir} (pid ${owner.pid}): stop it, or set CARILLON_HOME and PORT to run another beside it`,
          );
        }
        await this.dropDeadOwner(owner);
      }
    } finally {
      await rm(own, { force: true });
    }
  }

  /** Two starters may find the same dead owner; the slower must not drop the possession that the faster has just taken. */
  private async dropDeadOwner(dead: ProcessIdentity | undefined): Promise<void> {
    const aside = this.path(`owner.dead.${process.pid}`);
    const moved = await rename(this.path(OWNER_FILE), aside).then(
      () => readIdentity(aside),
      () => undefined,
    );
    if (moved !== undefined && (moved.pid !== dead?.pid || moved.startedAt !== dead.startedAt)) {
      await linkIfAbsent(aside, this.path(OWNER_FILE));
    }
    await rm(aside, { force: true });
  }

  /** The programs first, so that they do not complain about servers that vanish under them. */
  private async reapOrphans(): Promise<void> {
    const names = (await readdir(this.path('run'))).filter((name) => name.endsWith('.pid.json'));
    await Promise.all(names.map((name) => reapOrphan(this.path('run', name))));
    await reapOrphan(this.path('redis', 'redis.pid.json'));
    await reapOrphan(this.path('postgres', 'postgres.pid.json'));
  }
}

async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  return link(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

async function readIdentity(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
