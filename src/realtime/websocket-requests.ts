import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { RateLimiter } from '../http/rate-limit.js';
import { invalidRequest } from '../http/validation.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError, type Problem } from '../lib/errors.js';
import { Acknowledgements } from './acknowledgements.js';
import { channelOf } from './grant.js';
import { type Cursor, formatId, MAX_CHANNELS } from './position.js';
import { toChannelPresence } from './presence.dto.js';
import { Presence } from './presence.js';
import { RealtimeTokensService, refused } from './realtime-tokens.service.js';
import { RealtimeStream } from './stream.js';
import {
  acknowledgeSchema,
  authenticateSchema,
  clientMessageSchema,
  parsePayload,
  presenceSchema,
  resumeSchema,
  subscribeSchema,
  unsubscribeSchema,
} from './websocket.dto.js';
import type { WebsocketConnection } from './websocket-connection.js';

/** Requests per second of one client; as many may come at once. */
const REQUESTS_PER_SECOND = 50;
/** Milliseconds that an answer waits for its channels: while Redis is away, or while there is much to replay. */
const LIVE_WAIT_MS = 5_000;

/** A refused request as clients get it. */
export interface Refusal {
  code: string;
  message: string;
  /** When it may be tried again; for refusals that time cures. */
  retryAfterSeconds?: number;
  errors?: readonly Problem[];
}

/** What a client asked for was done. Whoever sends an answer with `ok` adds the cursor of that moment. */
type Done = { ok: true; [more: string]: unknown } | { id: string };

/** An answer without the cursor. */
export type WebsocketAnswer = Done | { error: Refusal };

type Handler = (connection: WebsocketConnection, payload: unknown) => Promise<Done>;

/** What a Socket.IO client may ask for. */
@Injectable()
export class WebsocketRequests {
  private readonly logger = new Logger('realtime');
  private readonly rate: RateLimiter;
  private readonly handlers: ReadonlyMap<string, Handler>;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly tokens: RealtimeTokensService,
    private readonly stream: RealtimeStream,
    private readonly acknowledgements: Acknowledgements,
    private readonly presence: Presence,
  ) {
    this.rate = new RateLimiter(clock, REQUESTS_PER_SECOND);
    this.handlers = new Map<string, Handler>([
      ['subscribe', (connection, payload) => this.subscribe(connection, payload)],
      ['unsubscribe', (connection, payload) => this.unsubscribe(connection, payload)],
      ['resume', (connection, payload) => this.resume(connection, payload)],
      ['message', (connection, payload) => this.publish(connection, payload)],
      ['presence', (connection, payload) => this.present(connection, payload)],
      ['authenticate', (connection, payload) => this.authenticate(connection, payload)],
      ['acknowledge', (connection, payload) => this.acknowledge(connection, payload)],
    ]);
  }

  /**
   * Does what a client asks for.
   *
   * @param clientId what the client's rate is counted under
   * @param payloads what came with the event, without the acknowledgement
   */
  async answer(
    clientId: string,
    connection: WebsocketConnection,
    event: string,
    payloads: readonly unknown[],
  ): Promise<WebsocketAnswer> {
    try {
      this.rate.take(clientId);
      const handler = this.handlers.get(event);
      if (handler === undefined) throw new DomainError('invalid', 'unknown_event', 'This service knows no such event.');
      if (payloads.length > 1) throw invalidRequest([{ path: '', message: 'an event comes with one argument' }]);
      return await handler(connection, payloads[0]);
    } catch (error) {
      return { error: this.refusalOf(error) };
    }
  }

  /** What a client is told of an error; one that is no refusal is logged. */
  refusalOf(error: unknown): Refusal {
    if (error instanceof DomainError) {
      const { code, message, problems, retryAfterSeconds } = error;
      return {
        code,
        message,
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds: Math.max(1, Math.ceil(retryAfterSeconds)) }),
        ...(problems.length > 0 && { errors: problems }),
      };
    }
    this.logger.error({ event: 'realtime.request_failed', err: error });
    return { code: 'internal_error', message: 'Something went wrong on our side.' };
  }

  private async subscribe(connection: WebsocketConnection, payload: unknown): Promise<Done> {
    const { channels, after } = parsePayload(subscribeSchema, payload);
    this.check(connection, channels);
    return this.follow(connection, channels, after);
  }

  private async resume(connection: WebsocketConnection, payload: unknown): Promise<Done> {
    const { channels, after } = parsePayload(resumeSchema, payload);
    this.check(connection, channels);
    for (const channel of channels) connection.session.unsubscribe(channel);
    return this.follow(connection, channels, after);
  }

  private check({ session, grant }: WebsocketConnection, channels: readonly string[]): void {
    this.tokens.authorise(grant, channels, 'channels');
    if (new Set([...session.channels, ...channels]).size <= MAX_CHANNELS) return;
    throw invalidRequest([{ path: 'channels', message: `a connection follows ${MAX_CHANNELS} at most` }]);
  }

  private async follow(
    connection: WebsocketConnection,
    channels: readonly string[],
    after: Cursor | 'start' | undefined,
  ): Promise<Done> {
    const pending = new Set(channels);
    const live = channels.map(async (channel) => {
      const begins = connection.beginningOf(channel);
      await connection.session.subscribe(channel, after ?? begins);
      pending.delete(channel);
    });
    const waiting = new AbortController();
    const timeout = delay(LIVE_WAIT_MS, undefined, { signal: waiting.signal }).catch(() => undefined);
    await Promise.race([Promise.all(live), timeout]);
    waiting.abort();
    return { ok: true, ...(pending.size > 0 && { pending: [...pending] }) };
  }

  private async unsubscribe({ session }: WebsocketConnection, payload: unknown): Promise<Done> {
    const { channels } = parsePayload(unsubscribeSchema, payload);
    for (const channel of channels) session.unsubscribe(channel);
    return { ok: true };
  }

  private async publish({ grant }: WebsocketConnection, payload: unknown): Promise<Done> {
    const { channel, event, data } = parsePayload(clientMessageSchema, payload);
    this.tokens.authorisePublishing(grant, channel);
    const position = await this.stream.publish(channelOf(grant, channel), { event, data: JSON.stringify(data) });
    return { id: formatId(position) };
  }

  private async present({ grant }: WebsocketConnection, payload: unknown): Promise<Done> {
    const { channel } = parsePayload(presenceSchema, payload);
    this.tokens.authorisePresence(grant, channel);
    return { ok: true, ...toChannelPresence(await this.presence.read(channelOf(grant, channel))) };
  }

  private async acknowledge({ grant }: WebsocketConnection, payload: unknown): Promise<Done> {
    const ids = parsePayload(acknowledgeSchema, payload);
    return { ok: true, ...(await this.acknowledgements.acknowledge(grant, ids)) };
  }

  private async authenticate(connection: WebsocketConnection, payload: unknown): Promise<Done> {
    const { session } = connection;
    const { token } = parsePayload(authenticateSchema, payload);
    const grant = await this.tokens.authenticate(token, 'token');
    const { applicationId, userId } = session.grant;
    if (grant.applicationId !== applicationId || grant.userId !== userId) {
      throw new DomainError('forbidden', 'realtime_token_mismatch', "This is another user's token: connect with it.");
    }
    const dropped = session.renew(grant, this.clock.now());
    // A revocation that came while the token was being read found the connection under its old grant.
    if (await this.tokens.isRevoked(grant)) {
      connection.close('token_revoked');
      throw refused('revoked', 'The realtime token was revoked.');
    }
    return { ok: true, dropped, expiresAt: grant.expiresAt.toISOString() };
  }
}
