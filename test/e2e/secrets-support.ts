import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from '../setup/eventually.js';
import type { World } from '../setup/world.js';

const MAIN = join(resolve(import.meta.dirname, '../..'), 'dist/src/main.js');

/** Of every process that the tests start. */
export const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');

/** Who may see a secret besides its owner. */
export type SecretKind =
  /** A device's address, or a part of it: stored for sending, never shown. */
  | 'token'
  /** What is said to people: shown to the application's own backend, never logged. */
  | 'content'
  /** Keys, passwords and proofs: stored sealed or hashed, if at all. */
  | 'key';

/** Shapes of secrets that no test chose: access tokens, provider tokens, VAPID headers, PEM. */
const SHAPES: Record<string, RegExp> = {
  'an OAuth access token': /ya29\.[\w-]{8,}/,
  'a JWT': /\beyJ[\w-]{8,}\.[\w-]{4,}/,
  'a PEM private key': /-----BEGIN [A-Z ]*PRIVATE KEY/,
  'a VAPID header': /vapid t=[\w-]{8,}/i,
  'a bearer': /bearer [\w.~+/-]{16,}/i,
};

/** Every secret of a scenario by its name. */
export class SecretBook {
  private readonly secrets: { name: string; kind: SecretKind; forms: string[] }[] = [];

  /** @returns the value, so that a secret can be noted where it is made */
  add<T extends string>(kind: SecretKind, name: string, value: T): T {
    if (value.length < 8) throw new Error(`${name} is too short to be recognised`);
    const forms = new Set([value, encodeURIComponent(value), Buffer.from(value).toString('base64').replace(/=+$/, '')]);
    forms.add(Buffer.from(value).toString('base64url'));
    forms.add(JSON.stringify(value).slice(1, -1));
    this.secrets.push({ name, kind, forms: [...forms] });
    return value;
  }

  /** The lines of a private key, each of which would give it away. */
  addPem(name: string, pem: string): string {
    const lines = pem.split('\n').filter((line) => line.length >= 32 && !line.startsWith('-----'));
    for (const [index, line] of lines.entries()) this.add('key', `${name}, line ${index + 1}`, line);
    return pem;
  }

  get size(): number {
    return this.secrets.length;
  }

  /** The names of the secrets that a text gives away. */
  leaksIn(text: string, kinds: readonly SecretKind[] = ['token', 'content', 'key'], shapes = true): string[] {
    const known = this.secrets
      .filter(({ kind, forms }) => kinds.includes(kind) && forms.some((form) => text.includes(form)))
      .map(({ name }) => name);
    const shaped = shapes ? Object.entries(SHAPES).flatMap(([name, shape]) => (shape.test(text) ? [name] : [])) : [];
    return [...known, ...shaped];
  }

  /** As {@link leaksIn}, with the line of the text that each is in. */
  leaksByLine(text: string, kinds?: readonly SecretKind[]): string[] {
    return text
      .split('\n')
      .flatMap((line) => this.leaksIn(line, kinds).map((name) => `${name} in ${line.slice(0, 400)}`));
  }
}

/** Everything that is sent to Redis while it is open. */
export class RedisTap {
  text = '';
  private constructor(private readonly monitor: Redis) {}

  static async open(url: string): Promise<RedisTap> {
    const client = new Redis(url);
    const tap = new RedisTap(await client.monitor());
    client.disconnect();
    tap.monitor.on('monitor', (_time: string, args: string[]) => {
      tap.text += `${args.join(' ')}\n`;
    });
    tap.monitor.on('error', () => undefined);
    return tap;
  }

  close(): void {
    this.monitor.disconnect();
  }
}

/** Every row of every table as text, by table. */
export async function dumpTables(world: World): Promise<Map<string, string>> {
  const tables: { name: string }[] = await world.db.query(
    "select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind = 'r'",
  );
  const dump = new Map<string, string>();
  for (const { name } of tables) {
    // bytea prints as hex; as escaped text a secret that was stored as its plain bytes is seen, too.
    const rows: { row: string }[] = await world.db.query(
      `select t::text || ' ' || coalesce((select string_agg(encode(decode(substr(v, 3), 'hex'), 'escape'), ' ')
         from jsonb_each_text(to_jsonb(t)) as f(k, v) where v ~ '^\\\\x([0-9a-f]{2})+$'), '') as row from "${name}" t`,
    );
    dump.set(name, rows.map(({ row }) => row).join('\n'));
  }
  return dump;
}

/** A process of ours that is expected to stay in trouble or to end; its output until `sign` appears or it ends. */
export async function runUntil(sign: string, environment: Record<string, string>): Promise<string> {
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'trace', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let hasEnded = false;
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  child.once('exit', () => {
    hasEnded = true;
  });
  try {
    await eventually(() => hasEnded || output.includes(sign), { timeoutMs: 30_000, intervalMs: 50 });
  } finally {
    child.kill('SIGKILL');
  }
  return output;
}
