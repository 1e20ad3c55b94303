import type { DataSource } from 'typeorm';
import { type Answer, call, type TestApi } from './app.js';
import { eventually } from './eventually.js';
import type { Anything } from './socket.js';

/** Everything that a channel holds, as a client with this token reads it. */
export async function messagesOf(api: TestApi, token: string, channel: string): Promise<Anything[]> {
  const path = `/v1/realtime/poll?channels=${encodeURIComponent(channel)}&waitSeconds=0&after=start`;
  return (await call(api, 'GET', path, { key: token })).body?.messages ?? [];
}

/** Ids of the notifications among messages, in their order. */
export function notificationIds(messages: readonly Anything[]): string[] {
  return messages.map(({ event, data }) => (event === 'notification' ? data.notificationId : event));
}

/** Notices that are still owed by an application. */
export async function owed(db: DataSource, applicationId: string): Promise<number> {
  const [row] = await db.query('select count(*)::int as n from live_notice where application_id = $1', [applicationId]);
  return row.n;
}

export function acknowledge(api: TestApi, token: string, body: object): Promise<Answer> {
  return call(api, 'POST', '/v1/realtime/acknowledgements', { key: token, body });
}

/** Moves the clock of the database ahead, or back to the real one. */
export async function moveClock(db: DataSource, seconds: number): Promise<void> {
  await db.query('update clock_offset set value = make_interval(secs => $1)', [seconds]);
}

/** Waits until a statement with this text waits for a lock; returns the process id of its connection. */
export function blockedBackend(db: DataSource, text: string): Promise<number> {
  return eventually(async () => {
    const [row] = await db.query(
      `select pid from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and position($1 in query) > 0 limit 1`,
      [text],
    );
    return row?.pid ?? false;
  });
}
