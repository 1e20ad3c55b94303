import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../lib/errors.js';

/** What `npm run build` makes of `browser/`. This file runs from `src` in tests, else from `dist/src`. */
const BUILT_BROWSER_FILES = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/browser/' : '../../browser/',
  import.meta.url,
);

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.ts': 'application/typescript; charset=utf-8',
};

interface StaticFile {
  body: Buffer;
  etag: string;
  mediaType: string;
}

/** A few small files for browsers, named one by one and read once. */
export class StaticFiles {
  private readonly known = new Map<string, Promise<StaticFile>>();
  private readonly names: ReadonlySet<string>;

  /** @param folder below the built `browser/`, with a slash at its end */
  constructor(
    private readonly folder: string,
    names: readonly string[],
  ) {
    this.names = new Set(names);
  }

  /**
   * Answers with a file, or 304 when the browser has it as it is now.
   *
   * @throws DomainError `file_not_found`
   */
  async send(request: FastifyRequest, reply: FastifyReply, name: string): Promise<void> {
    if (!this.names.has(name)) throw new DomainError('not_found', 'file_not_found', `There is no file ${name} here.`);
    const { body, etag, mediaType } = await this.file(name);
    // Asked for anew each time: the files of one page must never be of two versions.
    reply.headers({ etag, 'cache-control': 'no-cache' });
    const isKnown = request.headers['if-none-match']?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
    if (isKnown) reply.status(304).send();
    else reply.type(mediaType).send(body);
  }

  private file(name: string): Promise<StaticFile> {
    const known = this.known.get(name) ?? this.read(name);
    this.known.set(name, known);
    return known;
  }

  private async read(name: string): Promise<StaticFile> {
    const body = await readFile(fileURLToPath(new URL(this.folder + name, BUILT_BROWSER_FILES)));
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    return { body, etag, mediaType: MEDIA_TYPES[extname(name)] ?? 'application/octet-stream' };
  }
}
