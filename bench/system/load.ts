import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { CONTENT } from './campaign-run.js';
import { SEND_PATH } from './nghttpd.js';
import type { Application, Sink, Stack } from './stack.js';

const run = promisify(execFile);

/** Connections, each with 100 requests in flight: where h2load is at its best against one nghttpd. */
const CONNECTIONS = 4;

/**
 * The same requests from h2load, without a database: what this machine could do at most.
 *
 * @returns requests per second
 */
export async function h2loadPerSecond(
  stack: Stack,
  application: Application,
  sink: Sink,
  count: number,
): Promise<number> {
  const preview = (await stack.call(application.serverKey, 'POST', '/v1/notifications/preview', {
    content: CONTENT,
  })) as {
    fcm: { body: { message: object } };
  };
  const { message } = preview.fcm.body;
  const file = stack.path('h2load-body.json');
  await writeFile(file, JSON.stringify({ message: { ...message, token: 'x'.repeat(163) } }));
  const { stdout } = await run('h2load', [
    ...['-n', String(count), '-c', String(CONNECTIONS), '-m', '100', '-t', '1', '-d', file],
    ...['-H', 'content-type: application/json', '-H', `authorization: Bearer ya29.${'c'.repeat(220)}`],
    `${sink.url}${SEND_PATH}`,
  ]);
  const perSecond = /finished in [^,]+, ([\d.]+) req\/s/.exec(stdout)?.[1];
  const succeeded = /(\d+) succeeded/.exec(stdout)?.[1];
  if (perSecond === undefined || Number(succeeded) !== count) throw new Error(`h2load said: ${stdout.slice(-500)}`);
  return Number(perSecond);
}
