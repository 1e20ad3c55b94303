import type { DataSource } from 'typeorm';
import { expect } from 'vitest';
import { EVENT_TYPES, type Fact } from '../../src/events/event.js';
import { EventLog } from '../../src/events/event-log.js';
import { systemClock } from '../../src/lib/clock.js';
import type { WebhookAttempt } from '../../src/webhooks/webhook.js';
import { type CreatedDevice, createDevice } from '../factories/device.js';
import { type Answer, call, type TestApi } from './app.js';
import { eventually } from './eventually.js';
import type { WebhookReceiver } from './webhook-receiver.js';

type Owner = { id: string; serverKey: string };

/** A webhook of an application, and what tests do with it. */
export class TestWebhook {
  private constructor(
    private readonly api: Pick<TestApi, 'baseUrl'>,
    private readonly db: DataSource,
    readonly application: Owner,
    readonly id: string,
    readonly secret: string,
  ) {}

  static async create(
    api: Pick<TestApi, 'baseUrl'>,
    db: DataSource,
    application: Owner,
    receiver: Pick<WebhookReceiver, 'url'>,
    events: readonly string[] = EVENT_TYPES,
  ): Promise<TestWebhook> {
    const body = { url: receiver.url, events };
    const made = await call(api, 'POST', '/v1/webhooks', { key: application.serverKey, body });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    return new TestWebhook(api, db, application, made.body.id, made.body.secret);
  }

  /** A request about this webhook; `path` is what follows its id. */
  call(method: string, path = '', body?: object): Promise<Answer> {
    return call(this.api, method, `/v1/webhooks/${this.id}${path}`, { key: this.application.serverKey, body });
  }

  device(): Promise<CreatedDevice> {
    return createDevice(this.db, { applicationId: this.application.id });
  }

  /** Tells of a failed delivery to each device, in one transaction. */
  async tell(devices: readonly CreatedDevice[], code = 'UNREGISTERED'): Promise<void> {
    const facts = devices.map(({ id }): Fact => {
      const data = { provider: 'fcm', code } as const;
      const notificationId = crypto.randomUUID();
      return { type: 'delivery.failed', applicationId: this.application.id, notificationId, device: id, data };
    });
    await this.db.transaction((tx) => new EventLog(this.db, systemClock).append(tx, facts));
  }

  /** Newest first. */
  async attempts(): Promise<
    (Omit<WebhookAttempt, 'id' | 'at' | 'nextAttemptAt'> & { at: string; nextAttemptAt: string | null })[]
  > {
    return (await this.call('GET', '/attempts?limit=1000')).body.items;
  }

  /** Waits for the n-th attempt. @returns the newest, and the milliseconds from it to the next */
  async attempted(n: number, timeoutMs = 10_000) {
    const [latest] = await eventually(
      async () => {
        const found = await this.attempts();
        expect(found).toHaveLength(n);
        return found;
      },
      { timeoutMs },
    );
    if (!latest) throw new Error('there is no attempt');
    const delayMs = latest.nextAttemptAt === null ? null : Date.parse(latest.nextAttemptAt) - Date.parse(latest.at);
    return { ...latest, delayMs };
  }

  /** How many messages are in each state. */
  async states(): Promise<Record<string, number>> {
    const rows = await this.db.query(
      'select state, count(*)::int as n from webhook_message where webhook_id = $1 group by state',
      [this.id],
    );
    return Object.fromEntries(rows.map(({ state, n }: { state: string; n: number }) => [state, n]));
  }
}

/** Moves the clock of the database ahead. */
export async function advanceClock(db: DataSource, ms: number): Promise<void> {
  await db.query('update clock_offset set value = value + make_interval(secs => $1)', [ms / 1000]);
}
