import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../setup/eventually.js';
import { acknowledge, messagesOf, notificationIds } from '../setup/live.js';
import { tokenFor } from '../setup/realtime.js';
import { type Anything, ask, closeClients, connect, type SocketClient } from '../setup/socket.js';
import { type TestApplication, World } from '../setup/world.js';

let world: World;
let application: TestApplication;

beforeAll(async () => {
  world = await World.start();
});
beforeEach(async () => {
  application = await world.application(['fcm', 'apns', 'webpush']);
  await tokenOf('u-1');
});
afterEach(closeClients);
afterAll(() => world?.close());

const tokenOf = async (userId: string) => (await tokenFor(world.api, application.serverKey, { userId })).token;

function freshToken(): string {
  const random = crypto.randomUUID().replaceAll('-', '');
  return `${random}:APA91b${random}${random}`;
}

/** A user with a phone; the phone's token. */
async function phoneOf(userId: string): Promise<string> {
  const token = freshToken();
  await world.device(application, 'fcm', token, { userId });
  return token;
}

/** An open screen of a user that does `onNotification` with each notification. */
async function screenOf(userId: string, onNotification: (client: SocketClient, id: string) => void = () => undefined) {
  const client = await connect(world.api, { token: await tokenOf(userId) });
  client.socket.on('message', ({ event, data }: Anything) => {
    if (event === 'notification') onNotification(client, data.notificationId);
  });
  expect(await ask(client, 'subscribe', { channels: [`user:${userId}`] })).toMatchObject({ ok: true });
  return client;
}

const pushesTo = async (token: string): Promise<Anything[]> =>
  (await world.control('GET', `/__messages?target=${encodeURIComponent(token)}`)).messages;

/** Seconds from the acceptance of a notification to the first answer of a provider. */
async function secondsToPush(id: string): Promise<number> {
  const [row] = await world.db.query(
    `select extract(epoch from min(a.at) - n.created_at)::float8 as seconds
     from notification n join delivery_attempt a on a.notification_id = n.id where n.id = $1 group by n.created_at`,
    [id],
  );
  return row.seconds;
}

describe('also', () => {
  it('reaches the open screen and the devices, and both copies have the same id', async () => {
    const screen = await screenOf('u-1');
    const phone = await phoneOf('u-1');
    await world.device(application, 'apns', undefined, { userId: 'u-1' });
    await world.device(application, 'webpush', undefined, { userId: 'u-1' });
    const id = await world.notify(application, { audience: { userIds: ['u-1'] } });
    await world.until(application, id, { status: 'completed', counts: { accepted: 3, suppressed: 0 } });
    await eventually(() => screen.messages.length === 1);
    expect(notificationIds(screen.messages)).toEqual([id]);
    expect(JSON.stringify(await pushesTo(phone))).toContain(id);
  });
});

describe('only', () => {
  it('reaches the open screen and no device', async () => {
    const screen = await screenOf('u-1');
    const phone = await phoneOf('u-1');
    const id = await world.notify(application, { audience: { userIds: ['u-1'] }, options: { realtime: 'only' } });
    await eventually(() => notificationIds(screen.messages).includes(id));
    await world.until(application, id, { status: 'completed', counts: { planned: 0, live: 0 } });
    expect(await pushesTo(phone)).toEqual([]);
  });

  it('is completed at its time when it is scheduled', async () => {
    const sendAt = new Date(Date.now() + 1_000).toISOString();
    await phoneOf('u-1');
    const id = await world.notify(application, {
      audience: { userIds: ['u-1'] },
      options: { realtime: 'only', sendAt },
    });
    await world.until(application, id, { status: 'completed', counts: { planned: 0 } });
    const token = await tokenOf('u-1');
    await eventually(async () => expect(notificationIds(await messagesOf(world.api, token, 'user:u-1'))).toEqual([id]));
  });
});

describe('first', () => {
  const first = (userIds: readonly string[], realtimeWaitSeconds: number) =>
    world.notify(application, { audience: { userIds }, options: { realtime: 'first', realtimeWaitSeconds } });

  it('pushes nothing to who acknowledges, over Socket.IO as well', async () => {
    const answers: Anything[] = [];
    await screenOf('u-1', (client, notificationId) => {
      void ask(client, 'acknowledge', { notificationId }).then((answer) => answers.push(answer));
    });
    const phone = await phoneOf('u-1');
    const id = await first(['u-1'], 2);
    const counts = { planned: 1, accepted: 0, suppressed: 1, live: 1 };
    await world.until(application, id, { status: 'completed', counts });
    expect(answers).toMatchObject([{ suppressed: true }]);
    const [delivery] = await world.deliveries(application, id);
    expect(delivery).toMatchObject({ status: 'suppressed', attempts: [{ number: 0, code: 'acknowledged_live' }] });
    expect(await pushesTo(phone)).toEqual([]);
  });

  it('pushes within the wait and a second to who does not, online or not', async () => {
    await screenOf('u-1');
    const phones = [await phoneOf('u-1'), await phoneOf('u-2')];
    const id = await first(['u-1', 'u-2'], 2);
    await world.until(application, id, { status: 'completed', counts: { accepted: 2, suppressed: 0, live: 0 } });
    const seconds = await secondsToPush(id);
    expect(seconds).toBeGreaterThanOrEqual(2);
    expect(seconds).toBeLessThan(3);
    for (const phone of phones) expect(await pushesTo(phone)).toHaveLength(1);
  });

  it('never pushes after it said that it will not, however close the acknowledgement comes', async () => {
    const userIds = Array.from({ length: 40 }, (_, i) => `r-${i}`);
    const phones = await Promise.all(userIds.map(phoneOf));
    const tokens = await Promise.all(userIds.map(tokenOf));
    // Around the moment when each is due: some before it, some while workers have them, some after.
    const results = await Promise.all(
      userIds.map(async (userId, i) => {
        const id = await first([userId], 1);
        const acceptedMs = performance.now();
        await eventually(() => performance.now() - acceptedMs >= 600 + 40 * i, { intervalMs: 1 });
        return { id, answer: await acknowledge(world.api, tokens[i] ?? '', { notificationId: id }) };
      }),
    );
    for (const [i, { id, answer }] of results.entries()) {
      const { counts } = await world.until(application, id, { status: 'completed', counts: { planned: 1, live: 1 } });
      const pushes = (await pushesTo(phones[i] ?? '')).length;
      expect(counts).toMatchObject({ accepted: pushes, suppressed: 1 - pushes });
      if (answer.body.suppressed) expect(pushes).toBe(0);
    }
    const suppressed = results.filter(({ answer }) => answer.body.suppressed).length;
    expect(suppressed).toBeGreaterThan(0);
    expect(suppressed).toBeLessThan(results.length);
  });

  it('hears an acknowledgement that came before the audience was planned', async () => {
    const devices = Array.from({ length: 1_200 }, () => ({ provider: 'fcm', token: freshToken(), userId: 'u-1' }));
    await world.devices(application, devices);
    const token = await tokenOf('u-1');
    const id = await first(['u-1'], 2);
    expect((await acknowledge(world.api, token, { notificationId: id })).body.suppressed).toBe(true);
    await world.until(application, id, {
      status: 'completed',
      counts: { planned: 1_200, suppressed: 1_200, accepted: 0, live: 1 },
    });
  });

  it('hears an acknowledgement whose node died before it could end the deliveries', async () => {
    const phone = await phoneOf('u-1');
    await phoneOf('u-2');
    const id = await first(['u-1', 'u-2'], 1);
    await world.db.query(
      `insert into live_acknowledgement (notification_id, user_id, application_id) values ($1, 'u-1', $2)`,
      [id, application.id],
    );
    await world.until(application, id, { status: 'completed', counts: { accepted: 1, suppressed: 1, live: 1 } });
    const [delivery] = await world.deliveries(application, id, '&status=suppressed');
    expect(delivery).toMatchObject({ userId: 'u-1', attempts: [{ number: 0, code: 'acknowledged_live' }] });
    expect(await pushesTo(phone)).toEqual([]);
  });
});
