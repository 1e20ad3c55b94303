import type { Action, RespondAction } from './actions.js';
import type { VirtualClock } from './clock.js';
import { type Connection, INTERNAL_ERROR } from './connection.js';
import type { Exchange, Reply } from './exchange.js';
import type { Random } from './random.js';
import { packHeaders, type Recorder } from './recorder.js';
import type { Rules } from './rules.js';
import { type Admitted, failureReason, type ListenerName, type PushService } from './service.js';
import type { ListenerStats } from './stats.js';
import type { Targets } from './targets.js';

/** What all listeners share. */
export interface Shared {
  clock: VirtualClock;
  random: Random;
  rules: Rules;
  targets: Targets;
  recorder: Recorder;
}

/** What an HTML front end says when nothing behind it answers; Google's, shortened. */
const HTML_502: Reply = {
  status: 502,
  headers: { 'content-type': 'text/html; charset=UTF-8' },
  body:
    '<!DOCTYPE html>\n<html lang=en>\n<title>Error 502 (Server Error)!!1</title>\n' +
    '<p><b>502.</b> <ins>That’s an error.</ins>\n<p>The server encountered a temporary error and could not complete your request.' +
    '<p>Please try again in 30 seconds.\n',
};

/**
 * The way of one request: the service judges it, then a rule may interfere, then the target's own state, and only
 * then is it accepted. Everything that is decided is recorded.
 */
export class Pipeline {
  constructor(
    private readonly listener: ListenerName,
    private readonly service: PushService,
    private readonly shared: Shared,
    private readonly stats: ListenerStats,
  ) {}

  handle(exchange: Exchange): void {
    const judgement = this.service.judge(exchange);
    if (judgement.kind === 'refused') {
      const { reply, reason, target, body, violation } = judgement;
      if (violation !== undefined) this.violation(violation, target);
      this.record(
        exchange,
        { target: target ?? '', notificationKey: '', body: body ?? '' },
        reply.status,
        reason,
        false,
      );
      this.answer(exchange, reply);
      return;
    }
    const { listener, service, shared } = this;
    const { connection } = exchange;
    const action = shared.rules.next({ listener, service: service.name, target: judgement.target, exchange });
    if (action?.type !== 'goaway') connection.handledStreamId = Math.max(connection.handledStreamId, exchange.streamId);
    if (action) this.perform(action, exchange, judgement);
    else this.proceed(exchange, judgement);
  }

  private proceed(exchange: Exchange, admitted: Admitted): void {
    const { name } = this.service;
    const action = name === 'oauth' ? undefined : this.shared.targets.next(name, this.listener, admitted.target);
    if (action) this.perform(action, exchange, admitted);
    else if (admitted.mismatch) this.perform({ type: 'respond', ...admitted.mismatch }, exchange, admitted);
    else this.accept(exchange, admitted);
  }

  private accept(exchange: Exchange, admitted: Admitted): void {
    const reply = this.service.accepted(exchange, admitted);
    const { unaccepted } = admitted;
    this.record(exchange, admitted, reply.status, unaccepted ?? '', unaccepted === undefined);
    this.answer(exchange, reply);
  }

  private perform(action: Action, exchange: Exchange, admitted: Admitted): void {
    switch (action.type) {
      case 'respond':
        this.respond(action, exchange, admitted);
        break;
      case 'html502':
        this.record(exchange, admitted, 502, 'html502', false);
        this.answer(exchange, HTML_502);
        break;
      case 'delay': {
        const { min, max } = action.uniform ?? { min: action.ms ?? 0, max: action.ms ?? 0 };
        // The sender may give up meanwhile; a provider that has the whole request acts on it all the same.
        setTimeout(() => this.proceed(exchange, admitted), min + this.shared.random.next() * (max - min)).unref();
        break;
      }
      case 'settings':
        exchange.connection.setMaxStreams(action.maxConcurrentStreams);
        this.proceed(exchange, admitted);
        break;
      case 'truncate': {
        const reply = this.service.accepted(exchange, admitted);
        this.record(exchange, admitted, reply.status, 'truncate', true);
        exchange.truncate(reply);
        break;
      }
      case 'goaway':
        this.goaway(action, exchange, admitted);
        break;
      default:
        this.goSilent(action, exchange, admitted);
    }
  }

  private respond(action: RespondAction, exchange: Exchange, admitted: Admitted): void {
    const reply = this.service.failure({ ...action, headers: this.headersOf(action) }, exchange);
    const isAccepted = action.status < 300;
    this.record(exchange, admitted, action.status, isAccepted ? '' : failureReason(action), isAccepted);
    this.answer(exchange, reply);
  }

  private headersOf({ headers, retryAfterSeconds, retryAfterAsDate }: RespondAction): Record<string, string> {
    if (retryAfterSeconds === undefined) return { ...headers };
    const date = new Date(this.shared.clock.nowMs() + retryAfterSeconds * 1000).toUTCString();
    return { 'retry-after': retryAfterAsDate ? date : String(retryAfterSeconds), ...headers };
  }

  /** The faults after which the sender never gets an answer. */
  private goSilent(
    action: Extract<Action, { type: 'hang' | 'reset' | 'rst' | 'close' | 'halfOpen' }>,
    exchange: Exchange,
    admitted: Admitted,
  ): void {
    const isAfterAccept = 'when' in action && action.when === 'after-accept';
    this.record(exchange, admitted, 0, isAfterAccept ? `${action.type} after accept` : action.type, isAfterAccept);
    if (action.type === 'reset' && action.scope === 'connection') exchange.connection.reset();
    else if (action.type === 'reset') exchange.abort(INTERNAL_ERROR);
    else if (action.type === 'rst') exchange.abort(action.code);
    else if (action.type === 'close') exchange.connection.end();
    else if (action.type === 'halfOpen') exchange.connection.stall();
  }

  /**
   * A graceful GOAWAY answers what is in flight up to `lastStreamId`; the other kind breaks off at once. A request
   * above `lastStreamId` is neither processed nor recorded, as the frame promises.
   */
  private goaway(action: Extract<Action, { type: 'goaway' }>, exchange: Exchange, admitted: Admitted): void {
    const { connection } = exchange;
    const lastStreamId = this.lastStreamOf(action.lastStreamId, connection);
    const isProcessed = exchange.streamId <= lastStreamId;
    if (action.graceful) {
      if (isProcessed) this.proceed(exchange, admitted);
      connection.goaway(action.code, lastStreamId, action.debug);
      connection.closeWhenIdle();
      return;
    }
    connection.goaway(action.code, lastStreamId, action.debug);
    if (isProcessed) this.record(exchange, admitted, 0, 'goaway', false);
    // The frame leaves with the next turn of the loop; destroying now would drop it.
    setImmediate(() => connection.end());
  }

  private lastStreamOf(asked: number | 'handled' | undefined, connection: Connection): number {
    return asked === 'handled' ? connection.handledStreamId : (asked ?? connection.lastStreamId);
  }

  private answer(exchange: Exchange, reply: Reply): void {
    this.stats.answered(performance.now() - exchange.startedAt);
    exchange.reply(reply);
  }

  private violation(what: string, target: string | undefined): void {
    this.shared.recorder.violation({ atMs: this.shared.clock.nowMs(), listener: this.listener, what, target });
  }

  private record(
    exchange: Exchange,
    { target, notificationKey, body }: Pick<Admitted, 'target' | 'notificationKey' | 'body'>,
    status: number,
    reason: string,
    accepted: boolean,
  ): void {
    this.shared.recorder.record({
      seq: 0,
      atMs: this.shared.clock.nowMs(),
      service: this.service.name,
      listener: this.listener,
      connectionId: exchange.connection.id,
      streamId: exchange.streamId,
      target,
      notificationKey,
      status,
      reason,
      accepted,
      headers: packHeaders(exchange.rawHeaders),
      authorization: exchange.headers['authorization'],
      body,
    });
  }
}
