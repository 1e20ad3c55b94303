import { type ChildProcess, spawn } from 'node:child_process';
import { scriptArguments } from './clone.js';
import type { GuardianCommand } from './guardian-process.js';

/** Ends our children when we are killed without a chance to do it ourselves. One per process, started when first needed. */
class Guardian {
  private process: ChildProcess | undefined;
  private readonly guarded = new Map<number, NodeJS.Signals>();
  private readonly paths: string[] = [];

  guard(pid: number, signal: NodeJS.Signals): void {
    this.guarded.set(pid, signal);
    this.tell({ do: 'guard', pid, signal });
  }

  release(pid: number): void {
    if (!this.guarded.delete(pid)) return;
    this.tell({ do: 'release', pid });
  }

  /** Removes a temporary file or folder when we end, however we end. */
  removeAtDeath(path: string): void {
    this.paths.push(path);
    this.tell({ do: 'removeAtDeath', path });
  }

  private tell(command: GuardianCommand): void {
    if (this.process === undefined) this.start();
    else this.write(this.process, command);
  }

  private start(): void {
    // Its own session: Ctrl-C in the terminal, or a kill of our process group, must not take the guardian with us.
    const child = spawn(process.execPath, scriptArguments('guardian-process'), {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.process = child;
    child.stdin?.on('error', () => {});
    child.on('error', () => {});
    child.on('exit', () => {
      if (this.process !== child) return;
      this.process = undefined;
      if (this.guarded.size > 0) this.start();
    });
    child.unref();
    (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
    for (const [pid, signal] of this.guarded) this.write(child, { do: 'guard', pid, signal });
    for (const path of this.paths) this.write(child, { do: 'removeAtDeath', path });
  }

  private write(child: ChildProcess, command: GuardianCommand): void {
    child.stdin?.write(`${JSON.stringify(command)}\n`);
  }
}

export const guardian = new Guardian();
