import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** Folders of src from the bottom up; imports point down or stay in their folder. Root files stand above all of them. */
const LAYERS: readonly (readonly string[])[] = [
  ['lib'],
  ['config'],
  ['queue', 'database', 'transport'],
  ['events', 'providers', 'http'],
  ['accounts'],
  ['applications'],
  ['devices'],
  ['batches'],
  ['notifications'],
  ['deliveries'],
  ['realtime', 'webhooks'],
  ['admin', 'demo', 'embedded'],
];
const FEATURES = LAYERS.slice(4, 11).flat();
const VENDORS: Readonly<Record<string, string>> = {
  'firebase-admin': 'fcm',
  '@parse/node-apn': 'apns',
  'web-push': 'webpush',
};

interface Source {
  /** Relative to the root, with slashes. */
  path: string;
  /** First folder below src, or '' for root files. */
  folder: string;
  text: string;
  imports: { specifier: string; path: string | undefined }[];
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

function read(path: string): Source {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
  const imports = specifiers.map((specifier) => ({
    specifier,
    path: specifier.startsWith('.')
      ? relative(ROOT, resolve(ROOT, dirname(path), specifier))
          .replaceAll('\\', '/')
          .replace(/\.js$/, '.ts')
      : undefined,
  }));
  const parts = path.split('/');
  return { path, folder: parts.length > 2 ? (parts[1] ?? '') : '', text, imports };
}

const sources = filesBelow('src').map(read);

/** Lines that tell what is wrong; a rule holds when there are none. */
function offences(find: (source: Source) => readonly string[]): string[] {
  return sources.flatMap((source) => find(source).map((what) => `${source.path}: ${what}`));
}

function imported(source: Source, isWrong: (path: string, folder: string) => boolean): string[] {
  return source.imports
    .map(({ path }) => path)
    .filter((path) => path !== undefined)
    .filter((path) => isWrong(path, path.split('/').length > 2 ? (path.split('/')[1] ?? '') : ''))
    .map((path) => `imports ${path}`);
}

const matches = (source: Source, pattern: RegExp): string[] =>
  [...source.text.matchAll(pattern)].map((match) => match[0].trim());
const rankOf = (folder: string) => LAYERS.findIndex((layer) => layer.includes(folder));

describe('architecture', () => {
  it('finds the sources', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(
      offences((source) =>
        source.folder === '' || source.folder === 'simulator' || rankOf(source.folder) >= 0 ? [] : ['unknown folder'],
      ),
    ).toEqual([]);
  });

  it('R1: imports point down or stay in their folder', () => {
    const wrong = offences((source) =>
      imported(source, (path, folder) => {
        if (source.folder === '' || folder === source.folder || path.startsWith('migrations/')) return false;
        if (source.folder === 'simulator') return folder !== 'lib' && folder !== 'transport';
        return folder === '' || folder === 'simulator' || rankOf(folder) >= rankOf(source.folder);
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('the product knows neither its tests nor its benchmarks', () => {
    expect(offences((source) => imported(source, (path) => /^(test|bench)\//.test(path)))).toEqual([]);
  });

  it('what pages load imports nothing but itself', () => {
    const outside = filesBelow('browser')
      .map(read)
      .flatMap(({ path, imports }) => imports.map(({ specifier, path: to }) => ({ from: path, specifier, to })))
      .filter(({ to }) => !to?.startsWith('browser/'));
    expect(outside).toEqual([]);
  });

  it('R2: controllers and processors reach SQL through a service', () => {
    const wrong = offences((source) =>
      /\.(controller|processors?|gateway)\.ts$/.test(source.path)
        ? imported(source, (path) => path.endsWith('.repository.ts'))
        : [],
    );
    expect(wrong).toEqual([]);
  });

  it('R3: another feature is reached through its service or noun types, never its repository', () => {
    const wrong = offences((source) =>
      imported(
        source,
        (path, folder) => FEATURES.includes(folder) && folder !== source.folder && path.endsWith('.repository.ts'),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('R4: SQL stands only in repositories, the database folder and the event log', () => {
    const isAllowed = (source: Source) =>
      source.folder === 'database' ||
      source.path.endsWith('.repository.ts') ||
      source.path === 'src/events/event-log.ts';
    expect(offences((source) => (isAllowed(source) ? [] : matches(source, /\.query\(|createQueryRunner/g)))).toEqual(
      [],
    );
  });

  it('R5: Bull stands only in the queue folder and in processors', () => {
    const isAllowed = (source: Source) => source.folder === 'queue' || /\.processors?\.ts$/.test(source.path);
    const wrong = offences((source) =>
      isAllowed(source)
        ? []
        : source.imports.map(({ specifier }) => specifier).filter((name) => name === 'bull' || name === '@nestjs/bull'),
    );
    expect(wrong).toEqual([]);
  });

  it('R5: a processor only hands its job on', () => {
    const wrong = offences((source) =>
      /\.processors?\.ts$/.test(source.path) && source.text.split('\n').length > 31 ? ['is longer than 30 lines'] : [],
    );
    expect(wrong).toEqual([]);
  });

  it('R6: each vendor package stands only in its provider’s folder', () => {
    const wrong = offences((source) =>
      source.imports
        .map(({ specifier }) => specifier)
        .filter((name) => {
          const vendor = Object.keys(VENDORS).find(
            (vendorName) => name === vendorName || name.startsWith(`${vendorName}/`),
          );
          return vendor !== undefined && !source.path.startsWith(`src/providers/${VENDORS[vendor]}/`);
        }),
    );
    expect(wrong).toEqual([]);
  });

  it('R6: a provider folder knows no other provider', () => {
    const ownFolder = (path: string) => /^src\/providers\/(fcm|apns|webpush)\//.exec(path)?.[1];
    const wrong = offences((source) => {
      const own = ownFolder(source.path);
      return own ? imported(source, (path) => (ownFolder(path) ?? own) !== own || path.startsWith('src/database')) : [];
    });
    expect(wrong).toEqual([]);
  });

  it('R7: only the config folder reads the environment', () => {
    expect(offences((source) => (source.folder === 'config' ? [] : matches(source, /process\.env\b/g)))).toEqual([]);
  });

  it('R7: SQL asks carillon_now(), never now()', () => {
    const isSql = (source: Source) => source.folder === 'database' || source.path.endsWith('.repository.ts');
    const wrong = offences((source) =>
      isSql(source) ? matches(source, /(?<![.\w])(now\(\)(?!:)|current_timestamp|clock_timestamp\(\))/gi) : [],
    );
    expect(wrong).toEqual([]);
  });

  it('R8: only http and controllers know HTTP exceptions', () => {
    const isAllowed = (source: Source) => source.folder === 'http' || source.path.endsWith('.controller.ts');
    expect(
      offences((source) =>
        isAllowed(source)
          ? []
          : matches(source, /\b\w*(Http|BadRequest|NotFound|Forbidden|Conflict|Unauthorized)Exception\b/g),
      ),
    ).toEqual([]);
  });

  it('R9: nouns and policies import no framework', () => {
    const PURE =
      /^src\/(.*\/)?(device|audience|notification|batch|batch-run|delivery|application|api-key|account|audit|password|same-origin|session-cookie|settle|retry-policy|breaker|stop-rule|provider|[a-z]+\.outcome|[a-z]+\.payload)\.ts$/;
    const wrong = offences((source) =>
      PURE.test(source.path)
        ? source.imports.map(({ specifier }) => specifier).filter((name) => name.startsWith('@nestjs/'))
        : [],
    );
    expect(wrong).toEqual([]);
  });

  it('R10: no barrels, no forwardRef, no base classes', () => {
    expect(offences((source) => (basename(source.path) === 'index.ts' ? ['is a barrel'] : []))).toEqual([]);
    expect(offences((source) => matches(source, /\bforwardRef\b|\bextends Base\w*/g))).toEqual([]);
  });

  it('the console knows the service by its API alone, and renders text', () => {
    const pages = filesBelow('console/src').map(read);
    // These two hold a language and the id of an application: nothing that anybody has to keep secret.
    const STORES = /^console\/src\/(i18n\/language\.tsx|shell\/applications\.ts)$/;
    const wrong = pages.flatMap((page) => [
      ...imported(page, (path) => !path.startsWith('console/src/') && !path.startsWith('browser/sdk/')),
      ...matches(page, /\b(dangerouslySetInnerHTML|(inner|outer)HTML|insertAdjacentHTML|document\.write|eval\()/g),
      ...(STORES.test(page.path) ? [] : matches(page, /\b(local|session)Storage\b|\bindexedDB\b|document\.cookie/g)),
    ]);
    expect(wrong).toEqual([]);
  });

  it('keeps every file readable in one sitting', () => {
    const tooLong = ['src', 'browser', 'console', 'test', 'bench']
      .flatMap(filesBelow)
      .filter((path) => path !== 'console/src/api/schema.ts')
      .filter((path) => readFileSync(join(ROOT, path), 'utf8').split('\n').length > 401);
    expect(tooLong).toEqual([]);
  });
});
