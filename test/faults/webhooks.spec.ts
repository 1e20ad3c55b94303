import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../setup/eventually.js';
import { answering, WebhookReceiver } from '../setup/webhook-receiver.js';
import { TestWebhook } from '../setup/webhooks.js';
import { World } from '../setup/world.js';

const ENVIRONMENT = { WEBHOOK_ALLOW_INSECURE: 'true', WORKER_LANES: 'none' };

let world: World;
let receiver: WebhookReceiver;

beforeAll(async () => {
  world = await World.start({ role: 'api', WEBHOOK_ALLOW_INSECURE: true });
  receiver = await WebhookReceiver.start();
});
afterAll(async () => {
  await receiver?.close();
  await world?.close();
});

it('kill -9 after the POST: the event is repeated once at most, under the same id', async () => {
  const webhook = await TestWebhook.create(world.api, world.db, await world.application([]), receiver);
  receiver.answer = () => undefined;
  const worker = await world.spawnWorker(ENVIRONMENT);
  const devices = await Promise.all([webhook.device(), webhook.device(), webhook.device()]);
  await webhook.tell(devices);
  await eventually(() => receiver.calls.length === 3);
  worker.kill('SIGKILL');
  await worker.exited;
  expect(await webhook.states()).toEqual({ pending: 3 });

  receiver.answer = answering(204);
  const heir = await world.spawnWorker(ENVIRONMENT);
  await world.advance(31_000);
  await eventually(async () => (await webhook.states())['done'] === 3, { timeoutMs: 30_000 });
  const ids = receiver.calls.map(({ id }) => id);
  expect(ids.slice(3).toSorted()).toEqual(ids.slice(0, 3).toSorted());
  expect(new Set(ids).size).toBe(3);
  heir.kill('SIGKILL');
  await heir.exited;
}, 120_000);

it('SIGTERM: the call under way is finished and put on record', async () => {
  const webhook = await TestWebhook.create(world.api, world.db, await world.application([]), receiver);
  let answer: (() => void) | undefined;
  receiver.answer = (response) => {
    answer = () => response.writeHead(204).end();
  };
  const before = receiver.calls.length;
  const worker = await world.spawnWorker(ENVIRONMENT);
  await webhook.tell([await webhook.device()]);
  await eventually(() => answer !== undefined);
  worker.kill('SIGTERM');
  await eventually(() => worker.logs().includes('"event":"service.stopping"'));
  answer?.();
  expect(await worker.exited).toBe(0);
  await eventually(async () => (await webhook.states())['done'] === 1);
  expect(receiver.calls.length).toBe(before + 1);
}, 120_000);
