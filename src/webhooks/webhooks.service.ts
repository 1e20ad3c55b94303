import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { AuditService } from '../accounts/audit.service.js';
import type { Caller } from '../applications/caller.js';
import { CONFIG, type Config } from '../config/config.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { EventType } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { uuidV7 } from '../lib/ids.js';
import { SECRET_BYTES, webhookSecret } from './signature.js';
import { problemOfUrl, type Webhook } from './webhook.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { type WebhookChanges, WebhooksRepository } from './webhooks.repository.js';

/** Each event is stored and sent once for each webhook that wants it. */
const MAX_PER_APPLICATION = 20;
/** How long the secret before a rotation signs beside the new one. */
const OVERLAP_HOURS = 24;

/** A webhook with its new secret, which is never shown again. */
export type WithSecret = Webhook & { secret: string };

/** Who wants to hear what, and where. */
@Injectable()
export class WebhooksService {
  constructor(
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly webhooks: WebhooksRepository,
    private readonly secrets: WebhookSecrets,
    private readonly events: EventLog,
    private readonly audit: AuditService,
  ) {}

  /** @throws DomainError `invalid_request` naming `url`; `application_not_found`, `webhook_limit_reached` */
  async create(caller: Caller, given: { url: string; events: EventType[] }): Promise<WithSecret> {
    this.checkUrl(given.url);
    const owner = { id: uuidV7(this.clock.now()), applicationId: caller.applicationId };
    const secret = webhookSecret(randomBytes(SECRET_BYTES));
    const made = await this.changing(caller, 'webhook.create', owner.id, async (tx) => {
      if (!(await this.webhooks.lockApplication(tx, owner.applicationId))) {
        const message = `There is no application ${owner.applicationId}.`;
        throw new DomainError('not_found', 'application_not_found', message);
      }
      const sealed = this.secrets.seal(owner, secret);
      const webhook = await this.webhooks.insert(tx, { ...owner, ...given, secret: sealed }, MAX_PER_APPLICATION);
      if (webhook) return webhook;
      const message = `An application has at most ${MAX_PER_APPLICATION} webhooks.`;
      throw new DomainError('conflict', 'webhook_limit_reached', message);
    });
    return { ...made, secret };
  }

  list(applicationId: string, afterId: string, limit: number): Promise<Webhook[]> {
    return this.webhooks.list(this.db, applicationId, afterId, limit);
  }

  /** @throws DomainError `webhook_not_found` */
  async get(applicationId: string, id: string): Promise<Webhook> {
    return found(await this.webhooks.find(this.db, applicationId, id), id);
  }

  /** @throws DomainError `webhook_not_found`, `invalid_request` naming `url` */
  async update(caller: Caller, id: string, changes: WebhookChanges): Promise<Webhook> {
    if (changes.url !== undefined) this.checkUrl(changes.url);
    return this.changing(caller, 'webhook.update', id, async (tx) =>
      found(await this.webhooks.update(tx, caller.applicationId, id, changes), id),
    );
  }

  /** For {@link OVERLAP_HOURS} the secret so far signs beside the new one. @throws DomainError `webhook_not_found` */
  async rotateSecret(caller: Caller, id: string): Promise<WithSecret> {
    const secret = webhookSecret(randomBytes(SECRET_BYTES));
    const sealed = this.secrets.seal({ id, applicationId: caller.applicationId }, secret);
    const changed = await this.changing(caller, 'webhook.rotate_secret', id, async (tx) =>
      found(await this.webhooks.rotate(tx, caller.applicationId, id, sealed, OVERLAP_HOURS), id),
    );
    return { ...changed, secret };
  }

  /**
   * Removes a webhook with its history. From the moment it is disabled nothing more is written for it.
   *
   * @param forget removes the history, which may be too much for one statement
   */
  async delete(caller: Caller, id: string, forget: () => Promise<void>): Promise<void> {
    found(await this.webhooks.update(this.db, caller.applicationId, id, { enabled: false }), id);
    await forget();
    await this.changing(caller, 'webhook.delete', id, (tx) => this.webhooks.delete(tx, caller.applicationId, id));
  }

  private async changing<T>(
    caller: Caller,
    action: string,
    id: string,
    change: (tx: Database) => Promise<T>,
  ): Promise<T> {
    const result = await this.db.transaction(async (tx) => {
      const changed = await change(tx);
      await this.audit.append(tx, caller, { applicationId: caller.applicationId, action, subject: id });
      return changed;
    });
    this.events.forget(caller.applicationId);
    return result;
  }

  private checkUrl(url: string): void {
    const message = problemOfUrl(url, this.config.WEBHOOK_ALLOW_INSECURE);
    if (message) throw new DomainError('invalid', 'invalid_request', `url: ${message}`, [{ path: 'url', message }]);
  }
}

function found(webhook: Webhook | undefined, id: string): Webhook {
  if (!webhook) throw new DomainError('not_found', 'webhook_not_found', `There is no webhook ${id}.`);
  return webhook;
}
