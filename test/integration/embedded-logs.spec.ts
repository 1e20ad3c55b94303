import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { consoleErrors } from '../../src/embedded/console-errors.js';
import { LogFile } from '../../src/embedded/log-file.js';

it('keeps at most two files of a child, and the newest lines in the first', async () => {
  const path = join(await mkdtemp(join(inject('runDir'), 'log-')), 'api.log');
  const log = new LogFile(path, 10);
  for (const line of ['first 10 b\n', 'second 10b\n', 'third\n']) log.write(Buffer.from(line));
  log.close();
  expect(await readFile(path, 'utf8')).toBe('third\n');
  expect(await readFile(`${path}.1`, 'utf8')).toBe('second 10b\n');
});

it('goes on in the file of the run before', async () => {
  const path = join(await mkdtemp(join(inject('runDir'), 'log-')), 'api.log');
  for (const line of ['one\n', 'two\n']) {
    const log = new LogFile(path);
    log.write(Buffer.from(line));
    log.close();
  }
  expect(await readFile(path, 'utf8')).toBe('one\ntwo\n');
});

it.each([
  ['{"level":"error","event":"delivery.failed","msg":"no route"}', 'api: delivery.failed: no route'],
  ['{"level":60,"msg":"out of memory"}', 'api: out of memory'],
  ['{"level":"info","msg":"an error was retried"}', undefined],
  ['Error: no such module', 'api: Error: no such module'],
  ['listening', undefined],
])('shows on the console only what went wrong: %s', (line, expected) => {
  const shown: string[] = [];
  consoleErrors('api', /error/i, (message) => shown.push(message))(line);
  expect(shown).toEqual(expected === undefined ? [] : [expected]);
});

it('does not flood the console', () => {
  const shown: string[] = [];
  const listen = consoleErrors('api', /error/i, (message) => shown.push(message));
  for (let n = 0; n < 1000; n++) listen(`error ${n}`);
  expect(shown).toHaveLength(11);
  expect(shown.at(-1)).toContain('in its log');
});
