import { expect } from 'vitest';
import { type Answer, call, type TestApi } from './app.js';
import { eventually } from './eventually.js';
import { SseClient, tokenFor } from './realtime.js';

/** Config of nodes on which presence moves faster than it does by default. */
export const QUICK = { REALTIME_PRESENCE_GRACE_SECONDS: 2, REALTIME_PRESENCE_LAPSE_SECONDS: 3 };

/** What was said in a channel about who came and went, in order: `joined u-1`. */
export class Observer {
  private constructor(readonly stream: SseClient) {}

  static async of(api: TestApi, serverKey: string, channel: string): Promise<Observer> {
    const { token } = await tokenFor(api, serverKey, { userId: 'observer' });
    const stream = await SseClient.open(api, `channels=${channel}`, { token });
    await eventually(() => stream.lastEventId !== '');
    return new Observer(stream);
  }

  get said(): string[] {
    const isPresence = ({ event }: { event: string }) => event === 'joined' || event === 'left';
    return this.stream.messages.filter(isPresence).map(({ event, data }) => `${event} ${data.data.userId}`);
  }

  /** Waits until exactly this was said. */
  async says(...said: string[]): Promise<void> {
    await eventually(() => this.said.length >= said.length, { timeoutMs: 15_000 });
    expect(this.said).toEqual(said);
  }
}

export function presenceOf(api: Pick<TestApi, 'baseUrl'>, key: string, channel: string): Promise<Answer> {
  return call(api, 'GET', `/v1/realtime/channels/${channel}/presence`, { key });
}

/** Ids of who is present, in the order in which they came. */
export async function present(api: Pick<TestApi, 'baseUrl'>, key: string, channel: string): Promise<string[]> {
  const { status, body } = await presenceOf(api, key, channel);
  expect(status).toBe(200);
  return body.users.map(({ userId }: { userId: string }) => userId);
}

export async function userPresence(
  api: Pick<TestApi, 'baseUrl'>,
  key: string,
  userId: string,
): Promise<Answer['body']> {
  const { status, body } = await call(api, 'GET', `/v1/realtime/users/${userId}/presence`, { key });
  expect(status).toBe(200);
  return body;
}
