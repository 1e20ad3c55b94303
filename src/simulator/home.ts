import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder that makes a restart of the simulators go unnoticed: authority, credentials, ports. */
export class Home {
  constructor(readonly folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): string | undefined {
    const file = this.path(name);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }

  /** Written beside and renamed, so that a reader never sees half a file. */
  write(name: string, content: string): void {
    const file = this.path(name);
    writeFileSync(`${file}.${process.pid}.tmp`, content, { mode: 0o600 });
    renameSync(`${file}.${process.pid}.tmp`, file);
  }
}
