import { Inject, Injectable, Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { SYSTEM } from '../accounts/audit.js';
import { AuditService } from '../accounts/audit.service.js';
import { CONFIG, type Config } from '../config/config.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import type { WebhookJob } from '../queue/queues.js';
import type { Origin, Transport, TransportRequest, TransportResult } from '../transport/transport.js';
import { type ClaimedMessage, MessagesRepository } from './messages.repository.js';
import { signedHeaders } from './signature.js';
import { type Settlement, settlementOf, verdictOf } from './verdict.js';
import { isAllowedAddress } from './webhook.js';
import { WebhookSecrets } from './webhook-secrets.js';

/** Nest injection token for the {@link Transport} of webhooks. */
export const WEBHOOK_TRANSPORT = Symbol('WebhookTransport');

/** Milliseconds for the whole of one call. */
const REQUEST_TIMEOUT_MS = 15_000;
/** Milliseconds on the database's clock. */
const LEASE_MS = 30_000;
/** Milliseconds between the last possible answer and the end of the lease. */
const MARGIN_MS = 2_000;
/** Days of nothing but failures after which a webhook is disabled. */
const FAILING_DAYS = 5;

/** Sends one message: takes the lease, signs, posts, and writes down what came of it. */
@Injectable()
export class WebhookSender {
  private readonly logger = new Logger('webhooks');
  private readonly active = new Set<Promise<void>>();
  private isDraining = false;

  constructor(
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    private readonly messages: MessagesRepository,
    private readonly secrets: WebhookSecrets,
    private readonly audit: AuditService,
    @Inject(WEBHOOK_TRANSPORT) private readonly transport: Transport,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Ends when the message is settled, or found to be somebody else's. What goes wrong in between is repeated after the lease. */
  async send(job: WebhookJob): Promise<void> {
    if (this.isDraining) return this.messages.release([job]);
    const work = this.claimAndPost(job).catch((error: unknown) => {
      this.logger.error({ event: 'webhook.send_failed', err: error });
    });
    this.active.add(work);
    await work.finally(() => this.active.delete(work));
  }

  /** Takes nothing more, and waits for the calls under way. */
  async drain(): Promise<void> {
    this.isDraining = true;
    await Promise.allSettled(this.active);
  }

  private async claimAndPost(job: WebhookJob): Promise<void> {
    // Read before the statement, so that a slow answer shortens what is left.
    const deadlineMs = this.clock.monotonicMs() + LEASE_MS - REQUEST_TIMEOUT_MS - MARGIN_MS;
    const message = await this.messages.claim(job, LEASE_MS);
    if (!message) return;
    const origin = this.originOf(message);
    const request = this.requestOf(message);
    const startedMs = this.clock.monotonicMs();
    if (startedMs > deadlineMs) return this.messages.release([message]);
    const result = await this.post(origin, request);
    const settlement = settlementOf(message, verdictOf(result, this.clock.now()), Math.random());
    await this.settle(message, settlement, this.clock.monotonicMs() - startedMs);
  }

  private post(origin: Origin, request: TransportRequest): Promise<TransportResult> {
    return new Promise((resolve) => this.transport.request(origin, request, resolve));
  }

  private originOf({ url, applicationId }: ClaimedMessage): Origin {
    const allowInsecure = this.config.WEBHOOK_ALLOW_INSECURE;
    return {
      url: new URL(url).origin,
      key: `webhooks ${applicationId}`,
      requireHttp2: false,
      allowInsecure,
      allowAddress: (address) => isAllowedAddress(address, allowInsecure),
    };
  }

  private requestOf(message: ClaimedMessage): TransportRequest {
    const { eventId, type, occurredAt, data } = message;
    const owner = { id: message.webhookId, applicationId: message.applicationId };
    const sealed = message.previousSecret === null ? [message.secret] : [message.secret, message.previousSecret];
    const secrets = sealed.map((one) => this.secrets.open(owner, one));
    const body = JSON.stringify({ type, timestamp: occurredAt.toISOString(), data });
    const { pathname, search } = new URL(message.url);
    return {
      method: 'POST',
      path: pathname + search,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'carillon-webhooks/1',
        // The process's clock: receivers compare with theirs.
        ...signedHeaders(secrets, eventId, this.clock.now(), body),
      },
      sensitive: ['webhook-signature'],
      body: Buffer.from(body),
      timeoutMs: REQUEST_TIMEOUT_MS,
    };
  }

  private async settle(message: ClaimedMessage, settlement: Settlement, latencyMs: number): Promise<void> {
    if (settlement.succeeded) {
      await this.messages.settle(this.db, message, settlement, latencyMs, FAILING_DAYS);
      return;
    }
    const { webhookId, applicationId } = message;
    await this.db.transaction(async (tx) => {
      const reason = await this.messages.settle(tx, message, settlement, latencyMs, FAILING_DAYS);
      if (reason === undefined) return;
      const action = `webhook.disable_${reason}`;
      await this.audit.append(tx, SYSTEM, { applicationId, action, subject: webhookId });
      this.logger.warn({ event: 'webhook.disabled', applicationId, webhookId, reason });
    });
  }
}
