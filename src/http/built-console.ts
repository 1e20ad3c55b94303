import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../lib/errors.js';

/** What `npm run build` makes of `console/`. This file runs from `src` in tests, else from `dist/src`. */
const BUILT = new URL(import.meta.url.endsWith('.ts') ? '../../dist/console/' : '../../console/', import.meta.url);

/** Stands for the nonce in the built page; `console/vite.config.ts` puts it there. */
const NONCE_PLACEHOLDER = '__CSP_NONCE__';

/** Names carry a hash of the content, so a browser never has to ask again. */
const FOR_EVER = 'public, max-age=31536000, immutable';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

interface Manifest {
  /** Files below `assets/` by name, with the encodings that lie beside them. */
  files: Readonly<Record<string, readonly ('br' | 'gzip')[]>>;
}

/** The files that Vite made, compressed while building; only those that its list names are ever opened. */
export class BuiltConsole {
  private manifest: Promise<Manifest> | undefined;
  private html: Promise<string> | undefined;
  private readonly bodies = new Map<string, Promise<Buffer>>();

  /**
   * The page, which may load what bears `nonce`.
   *
   * @throws DomainError `console_not_built`
   */
  async page(nonce: string): Promise<string> {
    this.html ??= readFile(new URL('index.html', BUILT), 'utf8').catch((error: NodeJS.ErrnoException) => {
      this.html = undefined;
      if (error.code !== 'ENOENT') throw error;
      throw new DomainError('unavailable', 'console_not_built', 'The console is not built: npm run build makes it.');
    });
    return (await this.html).replaceAll(NONCE_PLACEHOLDER, nonce);
  }

  /**
   * Answers with a file below the built console, in the best encoding that the browser takes.
   *
   * @throws DomainError `file_not_found`
   */
  async send(request: FastifyRequest, reply: FastifyReply, name: string): Promise<void> {
    const encodings = (await this.list()).files[name];
    if (!encodings) throw new DomainError('not_found', 'file_not_found', `There is no file ${name} here.`);
    const accepted = new Set(
      String(request.headers['accept-encoding'] ?? '')
        .split(',')
        .map((part) => part.trim().split(';')[0]),
    );
    const encoding = encodings.find((each) => accepted.has(each));
    reply.headers({
      'cache-control': FOR_EVER,
      vary: 'accept-encoding',
      ...(encoding && { 'content-encoding': encoding }),
    });
    const suffix = encoding === undefined ? '' : encoding === 'br' ? '.br' : '.gz';
    await reply.type(MEDIA_TYPES[extname(name)] ?? 'application/octet-stream').send(await this.body(name + suffix));
  }

  private list(): Promise<Manifest> {
    this.manifest ??= readFile(new URL('files.json', BUILT), 'utf8').then(
      (text) => JSON.parse(text),
      () => {
        this.manifest = undefined;
        return { files: {} };
      },
    );
    return this.manifest;
  }

  private body(name: string): Promise<Buffer> {
    const known = this.bodies.get(name) ?? readFile(fileURLToPath(new URL(name, BUILT)));
    this.bodies.set(name, known);
    return known;
  }
}
