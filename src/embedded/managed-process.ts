import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { childEnvironment } from '../config/embedded-config.js';
import { guardian } from './guardian.js';
import { LogFile } from './log-file.js';
import { endProcess, identify, type ProcessIdentity } from './process-table.js';

export interface ProcessOptions {
  /** For messages and file names. */
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string | undefined>>;
  /** Shown as the program's own name, for binaries that act on it. */
  argv0?: string;
  /** Where pid and start time are kept while it runs, so that an orphan can be recognised later. */
  recordFile: string;
  logFile: string;
  /** Asks it to end, in its own words. */
  stopSignal: NodeJS.Signals;
  /** Ends it at once, when nobody is left to wait for it. */
  orphanSignal: NodeJS.Signals;
  /** Called with each line of stdout and stderr. */
  onLine?: (line: string) => void;
}

export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** What a record file holds. */
interface ProcessRecord extends ProcessIdentity {
  orphanSignal: NodeJS.Signals;
}

/** A child in a session of its own, so that Ctrl-C reaches only us and we decide the order of the end. */
export class ManagedProcess {
  readonly exited: Promise<ProcessEnd>;
  private readonly recentLines: string[] = [];
  private readonly listeners = new Set<(line: string) => void>();
  private ended: ProcessEnd | undefined;

  private constructor(
    private readonly child: ChildProcess,
    private readonly options: ProcessOptions,
    readonly pid: number,
  ) {
    if (options.onLine !== undefined) this.listeners.add(options.onLine);
    const log = new LogFile(options.logFile);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      stream.on('data', (chunk: Buffer) => log.write(chunk));
      createInterface({ input: stream }).on('line', (line) => this.hear(line));
    }
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.ended = { code, signal };
        guardian.release(pid);
        log.close();
        resolve(this.ended);
      });
    });
  }

  /** @throws Error when the program cannot be started at all */
  static async start(options: ProcessOptions): Promise<ManagedProcess> {
    const child = spawn(options.command, [...options.args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: childEnvironment(options.env),
      ...(options.argv0 === undefined ? {} : { argv0: options.argv0 }),
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', (cause) =>
        reject(new Error(`${options.name} could not be started (${options.command})`, { cause })),
      );
      child.once('spawn', () => resolve(child.pid ?? 0));
    });
    guardian.guard(pid, options.orphanSignal);
    const managed = new ManagedProcess(child, options, pid);
    const identity = identify(pid);
    if (identity !== undefined) {
      const record: ProcessRecord = { ...identity, orphanSignal: options.orphanSignal };
      await writeFile(options.recordFile, `${JSON.stringify(record)}\n`, { mode: 0o600 });
    }
    return managed;
  }

  get isRunning(): boolean {
    return this.ended === undefined;
  }

  /** What it said last, for an error message. */
  lastLines(): string {
    return this.recentLines.slice(-15).join('\n');
  }

  /**
   * Resolves with the first line that matches.
   *
   * @throws Error with the last lines of output when the process ends first or `timeoutMs` pass
   */
  async waitForLine(pattern: RegExp, timeoutMs: number): Promise<string> {
    const already = this.recentLines.find((line) => pattern.test(line));
    if (already !== undefined) return already;
    let stopListening = () => {};
    try {
      return await new Promise<string>((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`${this.options.name} ${why}:\n${this.lastLines()}`));
        const timer = setTimeout(() => fail(`was not ready after ${timeoutMs} ms`), timeoutMs);
        const listener = (line: string) => {
          if (pattern.test(line)) resolve(line);
        };
        this.listeners.add(listener);
        stopListening = () => {
          clearTimeout(timer);
          this.listeners.delete(listener);
        };
        void this.exited.then((end) => fail(`ended (${end.signal ?? end.code})`));
      });
    } finally {
      stopListening();
    }
  }

  /** Ends it in its own words, and by SIGKILL when it has not ended after `graceMs`. Safe to call twice. */
  async stop(graceMs: number): Promise<void> {
    if (this.isRunning) {
      this.child.kill(this.options.stopSignal);
      const timer = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
      await this.exited;
      clearTimeout(timer);
    }
    await rm(this.options.recordFile, { force: true });
  }

  private hear(line: string): void {
    this.recentLines.push(line);
    if (this.recentLines.length > 50) this.recentLines.shift();
    for (const listener of this.listeners) listener(line);
  }
}

/** Ends the process that a supervisor, killed since, left behind with this record. Nothing happens when it has ended. */
export async function reapOrphan(recordFile: string): Promise<void> {
  const text = await readFile(recordFile, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const record = parseRecord(text);
  if (record !== undefined) await endProcess(record, record.orphanSignal, 10_000);
  await rm(recordFile, { force: true });
}

function parseRecord(text: string): ProcessRecord | undefined {
  try {
    return JSON.parse(text) as ProcessRecord;
  } catch {
    // The supervisor died while writing it; the guardian knew the pid already.
    return undefined;
  }
}
