import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Caller } from '../applications/caller.js';
import { DomainError } from '../lib/errors.js';
import { HistoryRepository } from './history.repository.js';
import type { WebhookAttempt } from './webhook.js';
import { WebhooksService } from './webhooks.service.js';

/** Events that one request sends again at most. */
const MAX_REPLAY = 100_000;

/** Which events to send again: one, or what happened from `from` until before `to`. */
export type ReplayRequest = { eventId: string } | { from: Date; to: Date };

/** What a webhook was told, and telling it again. */
@Injectable()
export class HistoryService {
  constructor(
    private readonly webhooks: WebhooksService,
    private readonly history: HistoryRepository,
  ) {}

  /** Newest first, before the row `beforeId`. @throws DomainError `webhook_not_found` */
  async attempts(applicationId: string, id: string, beforeId: number, limit: number): Promise<WebhookAttempt[]> {
    await this.webhooks.get(applicationId, id);
    return this.history.attempts(id, beforeId, limit);
  }

  /**
   * @returns how many events are sent again
   * @throws DomainError `webhook_not_found`, `webhook_disabled`, `event_not_found`, `replay_too_large`
   */
  async replay(applicationId: string, id: string, request: ReplayRequest): Promise<number> {
    await this.enabled(applicationId, id);
    if ('eventId' in request) {
      if (await this.history.replayOne(id, request.eventId)) return 1;
      const message = `This webhook was not told of an event ${request.eventId} within the last 30 days.`;
      throw new DomainError('not_found', 'event_not_found', message);
    }
    const { from, to } = request;
    if ((await this.history.countRange(id, from, to, MAX_REPLAY + 1)) > MAX_REPLAY) {
      const message = `There are more than ${MAX_REPLAY} events between from and to: take shorter ranges.`;
      throw new DomainError('unprocessable', 'replay_too_large', message, [{ path: 'to', message: 'is too late' }]);
    }
    return this.history.replayRange(id, from, to);
  }

  /** Sends an event that nobody subscribes to, once. @returns its id */
  async test(applicationId: string, id: string): Promise<string> {
    await this.enabled(applicationId, id);
    const eventId = randomUUID();
    await this.history.appendTest(id, eventId, { applicationId, webhookId: id });
    return eventId;
  }

  /** @throws DomainError `webhook_not_found` */
  delete(caller: Caller, id: string): Promise<void> {
    return this.webhooks.delete(caller, id, () => this.history.forget(id));
  }

  private async enabled(applicationId: string, id: string): Promise<void> {
    const { enabled } = await this.webhooks.get(applicationId, id);
    if (enabled) return;
    throw new DomainError('conflict', 'webhook_disabled', 'The webhook is disabled: enable it first.');
  }
}
