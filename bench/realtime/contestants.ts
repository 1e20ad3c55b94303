import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Stack } from '../system/stack.js';
import type { Answer, Dialect, Order } from './clients-process.js';

/** One server that clients are connected to. */
export interface Contestant {
  pid: number;
  port: number;
  serverKey: string;
  stop(): Promise<void>;
}

/** So that no limit of ours ends a line: all clients have one address. */
const NO_LIMITS = {
  REALTIME_MAX_CONNECTIONS: '1000000',
  REALTIME_MAX_CONNECTIONS_PER_IP: '1000000',
  REALTIME_PUBLISH_PER_SECOND: '1000000',
};

/** A new api process of ours. */
export async function startOurs(stack: Stack): Promise<Contestant> {
  await stack.startApi(NO_LIMITS);
  const { api } = stack;
  if (api === undefined) throw new Error('the api did not start');
  const { id } = (await stack.admin('POST', '/v1/applications', { name: 'realtime' })) as { id: string };
  const { key } = (await stack.admin('POST', `/v1/applications/${id}/keys`, { role: 'server' })) as { key: string };
  return { pid: api.pid, port: Number(new URL(stack.baseUrl).port), serverKey: key, stop: () => api.stop() };
}

/**
 * A server with nothing but the transport, run with the flags of ours.
 *
 * @param script as built, calling `serveBare`
 */
export async function startBare(script: string, execArgv: readonly string[]): Promise<Contestant> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), [], {
    execArgv: [...execArgv],
    env: { ...process.env, MALLOC_ARENA_MAX: '2' },
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { pid: child.pid ?? 0, port, serverKey: '', stop: () => end(child) };
}

/** Milliseconds. */
const ORDER_TIMEOUT_MS = 180_000;

/** Many clients in a process of their own. */
export class ClientsProcess {
  private readonly child: ChildProcess;

  private constructor() {
    this.child = fork(fileURLToPath(new URL('./clients-process.js', import.meta.url)));
  }

  static async to({ port, serverKey }: Contestant, dialect: Dialect): Promise<ClientsProcess> {
    const clients = new ClientsProcess();
    await clients.order({ do: 'connect', dialect, port, serverKey });
    return clients;
  }

  /** @throws Error with the reason when it cannot be done */
  async order(order: Order): Promise<Extract<Answer, { ok: true }>> {
    this.child.send(order);
    const signal = AbortSignal.timeout(ORDER_TIMEOUT_MS);
    const [answer] = (await once(this.child, 'message', { signal })) as [Answer];
    if (!answer.ok) throw new Error(answer.error);
    return answer;
  }

  stop(): Promise<void> {
    return end(this.child);
  }
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  if (child.connected) child.disconnect();
  await ended;
}
