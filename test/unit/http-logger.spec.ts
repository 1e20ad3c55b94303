import { QueryFailedError } from 'typeorm';
import { expect, it } from 'vitest';
import { JsonLogger } from '../../src/http/logger.js';

function logged(work: (logger: JsonLogger) => void, level: 'trace' | 'info' = 'trace'): string[] {
  const lines: string[] = [];
  work(new JsonLogger(level, { role: 'api' }, { write: (line) => lines.push(line) }));
  return lines;
}

const SECRET = 'do-not-show-this';

it.each(['log', 'error', 'warn', 'debug', 'verbose', 'fatal'] as const)(
  'hides secrets by name at level %s',
  (level) => {
    const record = {
      event: 'x',
      deviceId: 'd-1',
      headers: { authorization: SECRET, 'x-device-secret': SECRET },
      device: { token: SECRET, endpoint: SECRET, keys: { p256dh: SECRET, auth: SECRET } },
      credential: { privateKey: SECRET, private_key: SECRET, serviceAccount: { a: SECRET } },
      notification: { content: { title: SECRET }, title: SECRET, body: SECRET, data: { k: SECRET } },
      list: [{ apiKey: SECRET }],
      raw: Buffer.from(SECRET),
    };
    const [line = ''] = logged((logger) => logger[level](record, 'context'));
    expect(line).not.toContain(SECRET);
    expect(line).not.toContain(JSON.stringify([...Buffer.from(SECRET)]));
    expect(JSON.parse(line)).toMatchObject({ event: 'x', deviceId: 'd-1', context: 'context', role: 'api' });
  },
);

it('keeps what a database error repeats of its values out of the log', () => {
  const driver = Object.assign(new Error(`invalid input syntax: "${SECRET}"`), {
    code: '22P02',
    detail: `Key (token)=(${SECRET}) already exists.`,
  });
  const error = new QueryFailedError('insert into device (token) values ($1)', [SECRET], driver);
  const [line = ''] = logged((logger) => logger.error({ event: 'http.bug', err: error }));
  expect(line).not.toContain(SECRET);
  expect(JSON.parse(line).err).toMatchObject({ type: 'QueryFailedError', code: '22P02' });
});

it('keeps the snippet of a JSON error out of the log', () => {
  const parse = () => JSON.parse(`{"token": ${SECRET}`);
  let error: unknown;
  try {
    parse();
  } catch (caught) {
    error = caught;
  }
  expect(logged((logger) => logger.error(error))[0]).not.toContain(SECRET.slice(0, 8));
});

it('shows an error with its cause, its code and where it happened', () => {
  const error = new Error('outer', { cause: Object.assign(new Error('inner'), { code: 'ECONNREFUSED' }) });
  const [line = ''] = logged((logger) => logger.error({ event: 'x', err: error }));
  const { err } = JSON.parse(line);
  expect(err).toMatchObject({ type: 'Error', message: 'outer', cause: { message: 'inner', code: 'ECONNREFUSED' } });
  expect(err.stack).toContain('http-logger.spec');
});

it('survives what refers to itself', () => {
  const circular: Record<string, unknown> = { event: 'x' };
  circular['self'] = circular;
  expect(JSON.parse(logged((logger) => logger.log(circular))[0] ?? '').event).toBe('x');
});

it("leaves Nest's announcements to debugging", () => {
  expect(logged((logger) => logger.log('Mapped {/x, GET} route', 'RouterExplorer'), 'info')).toEqual([]);
});
