import type { Home } from './home.js';
import { LISTENER_NAMES, type ListenerName } from './service.js';

const FILE = 'ports.json';

export type Ports = Record<ListenerName | 'control', number>;

/** Ports that stay the same over restarts where they can: Web Push endpoints contain theirs. */
export class PortBook {
  private readonly last: Partial<Ports>;
  private readonly taken: Partial<Ports> = {};

  constructor(
    private readonly home: Home,
    private readonly wanted: Partial<Ports>,
  ) {
    this.last = JSON.parse(home.read(FILE) ?? '{}') as Partial<Ports>;
  }

  /**
   * Listens on the wanted port, else on the last one, else on any.
   *
   * @throws Error EADDRINUSE when the wanted one is taken; a port that was merely remembered gives way
   */
  async take(name: keyof Ports, listen: (port: number) => Promise<number>): Promise<number> {
    const wanted = this.wanted[name];
    const port = wanted === undefined ? await this.takeRemembered(name, listen) : await listen(wanted);
    this.taken[name] = port;
    return port;
  }

  save(): void {
    this.home.write(FILE, JSON.stringify(this.taken));
  }

  private async takeRemembered(name: keyof Ports, listen: (port: number) => Promise<number>): Promise<number> {
    const last = this.last[name];
    if (last !== undefined) {
      try {
        return await listen(last);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
    return listen(0);
  }
}

/** Consecutive ports: control first, then the listeners in the order of their list. */
export function portsFrom(base: number): Ports {
  const entries = LISTENER_NAMES.map((name, index) => [name, base + 1 + index] as const);
  return { control: base, ...Object.fromEntries(entries) } as Ports;
}
