import { Inject, Injectable, Logger } from '@nestjs/common';
import type { z } from 'zod';
import { RateLimiter } from '../http/rate-limit.js';
import { unstorableParts } from '../http/storable.js';
import { invalidRequest, problemsOf } from '../http/validation.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError, type Problem } from '../lib/errors.js';
import { Acknowledgements } from './acknowledgements.js';
import { channelOf } from './grant.js';
import { type Cursor, formatId, MAX_CHANNELS } from './position.js';
import { RealtimeTokensService } from './realtime-tokens.service.js';
import { RealtimeStream } from './stream.js';
import {
  acknowledgeSchema,
  authenticateSchema,
  clientMessageSchema,
  resumeSchema,
  subscribeSchema,
  unsubscribeSchema,
} from './websocket.dto.js';
import type { WebsocketConnection } from './websocket-connection.js';

/** Requests per second of one client; as many may come at once. */
const REQUESTS_PER_SECOND = 50;

/** A refused request as clients get it. */
export interface Refusal {
  code: string;
  message: string;
  errors?: readonly Problem[];
}

type Handler = (connection: WebsocketConnection, payload: unknown) => Promise<object>;

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
  ) {
    this.rate = new RateLimiter(clock, REQUESTS_PER_SECOND);
    this.handlers = new Map<string, Handler>([
      ['subscribe', (connection, payload) => this.subscribe(connection, payload)],
      ['unsubscribe', (connection, payload) => this.unsubscribe(connection, payload)],
      ['resume', (connection, payload) => this.resume(connection, payload)],
      ['message', (connection, payload) => this.publish(connection, payload)],
      ['authenticate', (connection, payload) => this.authenticate(connection, payload)],
      [
        'acknowledge',
        ({ grant }, payload) => this.acknowledgements.acknowledge(grant, parsePayload(acknowledgeSchema, payload)),
      ],
    ]);
  }

  /**
   * Does what a client asks for.
   *
   * @param clientId what the client's rate is counted under
   * @returns the answer to it, `{ error }` when it is refused
   */
  async answer(clientId: string, connection: WebsocketConnection, event: string, payload: unknown): Promise<object> {
    try {
      this.rate.take(clientId);
      const handler = this.handlers.get(event);
      if (handler === undefined) throw new DomainError('invalid', 'unknown_event', 'This service knows no such event.');
      return await handler(connection, payload);
    } catch (error) {
      return { error: this.refusalOf(error) };
    }
  }

  /** What a client is told of an error; one that is no refusal is logged. */
  refusalOf(error: unknown): Refusal {
    if (error instanceof DomainError) {
      const { code, message, problems } = error;
      return { code, message, ...(problems.length > 0 && { errors: problems }) };
    }
    this.logger.error({ event: 'realtime.request_failed', err: error });
    return { code: 'internal_error', message: 'Something went wrong on our side.' };
  }

  private async subscribe(connection: WebsocketConnection, payload: unknown): Promise<object> {
    const { channels, after } = parsePayload(subscribeSchema, payload);
    return this.follow(connection, channels, after ?? connection.cursor);
  }

  private async resume(connection: WebsocketConnection, payload: unknown): Promise<object> {
    const { channels, after } = parsePayload(resumeSchema, payload);
    this.tokens.authorise(connection.grant, channels, 'channels');
    for (const channel of channels) connection.session.unsubscribe(channel);
    return this.follow(connection, channels, after);
  }

  private async follow(connection: WebsocketConnection, channels: readonly string[], cursor: Cursor | 'start') {
    const { session, grant } = connection;
    this.tokens.authorise(grant, channels, 'channels');
    if (new Set([...session.channels, ...channels]).size > MAX_CHANNELS) {
      throw invalidRequest([{ path: 'channels', message: `a connection follows ${MAX_CHANNELS} at most` }]);
    }
    await Promise.all(channels.map((channel) => session.subscribe(channel, cursor)));
    return { ok: true, cursor: session.cursor() };
  }

  private async unsubscribe({ session }: WebsocketConnection, payload: unknown): Promise<object> {
    const { channels } = parsePayload(unsubscribeSchema, payload);
    for (const channel of channels) session.unsubscribe(channel);
    return { ok: true, cursor: session.cursor() };
  }

  private async publish({ grant }: WebsocketConnection, payload: unknown): Promise<object> {
    const { channel, event, data } = parsePayload(clientMessageSchema, payload);
    this.tokens.authorisePublishing(grant, channel);
    const position = await this.stream.publish(channelOf(grant, channel), { event, data: JSON.stringify(data) });
    return { id: formatId(position) };
  }

  private async authenticate({ session }: WebsocketConnection, payload: unknown): Promise<object> {
    const { token } = parsePayload(authenticateSchema, payload);
    const grant = await this.tokens.authenticate(token, 'token');
    const { applicationId, userId } = session.grant;
    if (grant.applicationId !== applicationId || grant.userId !== userId) {
      throw new DomainError('forbidden', 'realtime_token_mismatch', "This is another user's token: connect with it.");
    }
    const dropped = session.renew(grant, this.clock.now());
    return { ok: true, cursor: session.cursor(), dropped, expiresAt: grant.expiresAt.toISOString() };
  }
}

/**
 * What a schema makes of what a client sent.
 *
 * @throws DomainError `invalid_request` with everything that is wrong, each by its path
 */
export function parsePayload<Schema extends z.ZodType>(schema: Schema, payload: unknown): z.infer<Schema> {
  const unstorable = unstorableParts(payload);
  if (unstorable.length > 0) throw invalidRequest(unstorable);
  const parsed = schema.safeParse(payload);
  if (!parsed.success) throw invalidRequest(problemsOf(parsed.error.issues));
  return parsed.data;
}
