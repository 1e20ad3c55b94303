import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { isDatabaseAway } from '../http/problem.js';
import { unstorableParts } from '../http/storable.js';
import { invalidRequest, problemsOf } from '../http/validation.js';
import { DomainError, type Problem } from '../lib/errors.js';
import { PROVIDER_NAMES, type ProviderName } from '../lib/names.js';
import { DeviceTokens, type TokenDefaults } from './device-tokens.js';
import { bulkLineSchema } from './devices.dto.js';
import { type Line, linesOf } from './ndjson.js';
import type { Registered, Registration } from './registration.repository.js';
import { RegistrationService } from './registration.service.js';

/** Lines of one request. */
export const MAX_BULK_LINES = 10_000;
/** Bytes. The largest device that passes every rule has about 45,000: 50 tags of 320 characters, 100 topics of 128. */
const MAX_LINE_BYTES = 65_536;
/** Devices that share a transaction. */
const CHUNK_LINES = 1_000;
/** Lines that are read before other requests of this process get their turn: about 5 ms. */
const LINES_PER_TURN = 100;

/** What became of one line. */
export type LineResult =
  | { line: number; status: 'created' | 'updated'; id: string }
  | { line: number; status: 'error'; error: { code: string; detail: string; errors?: readonly Problem[] } };

/** One token of a chunk, with the lines that name it: the last one wins, each gets a result. */
interface Entry {
  registration: Registration;
  lines: number[];
}

/** Registers devices from a stream of lines, for imports and migrations. */
@Injectable()
export class BulkRegistration {
  private readonly logger = new Logger('devices');

  constructor(
    private readonly registration: RegistrationService,
    private readonly tokens: DeviceTokens,
  ) {}

  /**
   * @param body NDJSON: one device per line, as in `POST /v1/devices` without `userToken`
   * @returns NDJSON: one {@link LineResult} per line that is not blank, in their order. Results are never waited for: a client
   *   that only reads after it wrote everything must not come to a stop, and 10,000 results fit into memory
   */
  run(applicationId: string, body: Readable | undefined): Readable {
    const results = new PassThrough();
    const write = (chunk: readonly LineResult[]) => {
      if (chunk.length > 0 && results.writable)
        results.write(chunk.map((result) => `${JSON.stringify(result)}\n`).join(''));
    };
    this.work(applicationId, body ?? [], write, () => !results.destroyed).then(
      () => results.end(),
      (error: unknown) => {
        this.logger.warn({ event: 'devices.bulk_interrupted', applicationId, err: error });
        results.destroy(error instanceof Error ? error : new Error(String(error)));
      },
    );
    return results;
  }

  private async work(
    applicationId: string,
    body: AsyncIterable<Buffer> | Iterable<Buffer>,
    write: (chunk: readonly LineResult[]) => void,
    isWanted: () => boolean,
  ): Promise<void> {
    const defaults = await this.allDefaults(applicationId);
    let chunk = new Chunk();
    let stored: Promise<void> = Promise.resolve();
    // The next chunk is read while the database works on this one; chunks are stored one after the other.
    const store = async () => {
      const full = chunk;
      chunk = new Chunk();
      await stored;
      stored = this.store(applicationId, full).then(write);
      // Awaited at the next chunk; until then a failure is not unhandled.
      stored.catch(() => undefined);
    };
    let count = 0;
    for await (const line of linesOf(toAsync(body), MAX_LINE_BYTES)) {
      if (++count > MAX_BULK_LINES) {
        // What follows is read and dropped, so that the client gets to read the answer.
        if (count === MAX_BULK_LINES + 1) chunk.refuse(line.number, tooManyLines());
        continue;
      }
      this.read(line, defaults, chunk);
      if (count % LINES_PER_TURN === 0) await nextTurn();
      if (!isWanted()) return;
      if (chunk.lines === CHUNK_LINES) await store();
    }
    await store();
    await stored;
  }

  private async allDefaults(applicationId: string): Promise<Map<ProviderName, TokenDefaults>> {
    const all = PROVIDER_NAMES.map(async (name) => [name, await this.tokens.defaults(applicationId, name)] as const);
    return new Map(await Promise.all(all));
  }

  private read(line: Line, defaults: ReadonlyMap<ProviderName, TokenDefaults>, chunk: Chunk): void {
    try {
      const given = parseLine(line);
      const stored = this.tokens.parse(given.provider, given, defaults.get(given.provider) ?? {});
      chunk.add(line.number, {
        provider: given.provider,
        stored,
        publicId: randomUUID(),
        secretHash: null,
        profile: given,
      });
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      chunk.refuse(line.number, error);
    }
  }

  private async store(applicationId: string, chunk: Chunk): Promise<LineResult[]> {
    const entries = [...chunk.entries.values()];
    const outcomes = await this.registerAll(applicationId, entries);
    const results = [...chunk.refused];
    for (const [index, { lines }] of entries.entries()) {
      const outcome = outcomes[index];
      if (outcome) results.push(...lines.map((line, nth) => resultOf(line, nth, outcome)));
    }
    return results.sort((one, other) => one.line - other.line);
  }

  /** All at once; if that fails, each alone, so that one that the database will not take spoils no other. */
  private async registerAll(applicationId: string, entries: readonly Entry[]): Promise<(Registered | DomainError)[]> {
    if (entries.length === 0) return [];
    try {
      return await this.registration.registerMany(
        applicationId,
        entries.map(({ registration }) => registration),
      );
    } catch (error) {
      if (entries.length === 1 || isDatabaseAway(error)) return entries.map(() => this.storingFailed(error));
    }
    const outcomes: (Registered | DomainError)[] = [];
    for (const entry of entries) outcomes.push(...(await this.registerAll(applicationId, [entry])));
    return outcomes;
  }

  private storingFailed(error: unknown): DomainError {
    if (error instanceof DomainError) return error;
    if (isDatabaseAway(error))
      return new DomainError('unavailable', 'database_unavailable', 'The database is away; send this line again.');
    this.logger.error({ event: 'devices.bulk_line_failed', err: error });
    return new DomainError('unprocessable', 'internal_error', 'Something went wrong on our side; the log has it.');
  }
}

class Chunk {
  readonly entries = new Map<string, Entry>();
  readonly refused: LineResult[] = [];
  lines = 0;

  add(line: number, registration: Registration): void {
    this.lines++;
    const key = `${registration.provider}:${registration.stored.tokenHash.toString('latin1')}`;
    const earlier = this.entries.get(key);
    if (!earlier) {
      this.entries.set(key, { registration, lines: [line] });
      return;
    }
    earlier.lines.push(line);
    // As if the lines had come one after the other: what the later one does not mention stays.
    const profile = { ...earlier.registration.profile, ...registration.profile };
    earlier.registration = { ...registration, publicId: earlier.registration.publicId, profile };
  }

  refuse(line: number, { code, message, problems }: DomainError): void {
    this.lines++;
    const errors = problems.length > 0 ? { errors: problems } : {};
    this.refused.push({ line, status: 'error', error: { code, detail: message, ...errors } });
  }
}

function parseLine({ text }: Line) {
  if (!text) throw malformed(`is longer than ${MAX_LINE_BYTES} bytes`);
  if (!isUtf8(text)) throw malformed('is not UTF-8');
  const value = parseJson(text.toString());
  const unstorable = unstorableParts(value);
  if (unstorable.length > 0) throw invalidRequest(unstorable);
  const parsed = bulkLineSchema.safeParse(value);
  if (!parsed.success) throw invalidRequest(problemsOf(parsed.error.issues));
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('is not JSON');
  }
}

function malformed(message: string): DomainError {
  return new DomainError('invalid', 'malformed_line', `The line ${message}.`);
}

function tooManyLines(): DomainError {
  return new DomainError(
    'invalid',
    'too_many_lines',
    `This line and those after it are left out: ${MAX_BULK_LINES} are the most.`,
  );
}

function resultOf(line: number, nth: number, outcome: Registered | DomainError): LineResult {
  if (outcome instanceof DomainError) {
    return { line, status: 'error', error: { code: outcome.code, detail: outcome.message } };
  }
  return { line, status: outcome.isNew && nth === 0 ? 'created' : 'updated', id: outcome.publicId };
}

async function* toAsync(body: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* body;
}
