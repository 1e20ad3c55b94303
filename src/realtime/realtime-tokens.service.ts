import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { CONFIG, type Config } from '../config/config.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { isPresentIn, mayFollow, mayPublish } from './channel.js';
import type { Grant } from './grant.js';
import { Revocations } from './revocations.js';
import { RevocationsRepository } from './revocations.repository.js';
import { TokenCodec, type TokenKind } from './token-codec.js';

/** Which tokens are to be revoked: all of a user, or one. */
export type ToRevoke = { userId: string } | { token: string } | { jti: string };

/** Issues, checks and revokes what opens the realtime side. */
@Injectable()
export class RealtimeTokensService {
  private readonly logger = new Logger('realtime');
  private readonly codec: TokenCodec;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly applications: ApplicationsService,
    private readonly revocations: RevocationsRepository,
    private readonly watch: Revocations,
  ) {
    this.codec = new TokenCodec(config.CARILLON_MASTER_KEY);
  }

  async issue(
    applicationId: string,
    { ttlSeconds, ...allowed }: Pick<Grant, 'userId' | 'channels' | 'publish' | 'presence'> & { ttlSeconds: number },
  ): Promise<{ token: string; grant: Grant }> {
    const generation = await this.revocations.issuing(applicationId, allowed.userId);
    return this.codec.issue({ applicationId, ...allowed, generation }, this.clock.now(), ttlSeconds);
  }

  /**
   * A token for one reserved channel, for whoever may see what is published there. It belongs to nobody: no inbox can be named
   * after its user, and it does not make the application one that has screens.
   */
  issueReserved(applicationId: string, channel: string, ttlSeconds: number): Promise<{ token: string; grant: Grant }> {
    const allowed = { applicationId, userId: `/${randomUUID()}`, channels: [channel], publish: [], presence: [] };
    return this.codec.issue({ ...allowed, generation: 0 }, this.clock.now(), ttlSeconds);
  }

  ticketFor(grant: Grant): Promise<{ ticket: string; expiresAt: Date }> {
    return this.codec.ticketFor(grant, this.clock.now());
  }

  /**
   * In force here at once, and on every node within two seconds.
   *
   * @throws DomainError `realtime_token_invalid` (422) for a token that is not one of this application
   */
  async revoke(applicationId: string, what: ToRevoke): Promise<void> {
    const revocation =
      'userId' in what
        ? { applicationId, kind: 'user' as const, subject: what.userId }
        : { applicationId, kind: 'token' as const, subject: await this.tokenIdOf(applicationId, what) };
    await this.revocations.add(revocation);
    this.logger.log({ event: 'realtime.revoked', applicationId, kind: revocation.kind });
    this.watch.announce();
  }

  /**
   * What a token or ticket allows, now.
   *
   * @throws DomainError `unauthorized`: `realtime_token_missing`, `…_invalid`, `…_expired` or `…_revoked`
   */
  async authenticate(text: string | undefined, kind: TokenKind): Promise<Grant> {
    if (text === undefined)
      throw refused('missing', 'This operation needs a realtime token: Authorization: Bearer <token>.');
    const read = await this.codec.read(text, [kind], this.clock.now());
    if (read.kind === 'expired') throw refused('expired', `The realtime ${kind} has expired.`);
    if (read.kind === 'invalid') throw refused('invalid', `This is no realtime ${kind} of this service.`);
    if (await this.revocations.isRevoked(read.grant)) throw refused('revoked', `The realtime ${kind} was revoked.`);
    return read.grant;
  }

  /** Whether a grant that was read before has been revoked since. */
  isRevoked(grant: Grant): Promise<boolean> {
    return this.revocations.isRevoked(grant);
  }

  /**
   * @param path where the channels stand in the request
   * @throws DomainError `channel_forbidden`, naming the first one that the grant does not allow
   */
  authorise({ channels: grants, userId }: Grant, channels: readonly string[], path = 'query.channels'): void {
    const forbidden = channels.find((channel) => !mayFollow(grants, userId, channel));
    if (forbidden === undefined) return;
    const problems = [{ path, message: `"${forbidden}" is not allowed by this token` }];
    throw new DomainError('forbidden', 'channel_forbidden', `This token does not allow "${forbidden}".`, problems);
  }

  /** @throws DomainError `publish_forbidden` */
  authorisePublishing({ publish }: Grant, channel: string): void {
    if (mayPublish(publish, channel)) return;
    throw new DomainError('forbidden', 'publish_forbidden', `This token does not allow to publish to "${channel}".`);
  }

  /** @throws DomainError `presence_forbidden`: who is in a channel is told to those who may be there themselves */
  authorisePresence({ channels, userId, presence }: Grant, channel: string): void {
    if (mayFollow(channels, userId, channel) && isPresentIn(presence, channel)) return;
    throw new DomainError('forbidden', 'presence_forbidden', `This token does not allow presence in "${channel}".`);
  }

  /**
   * The origins whose pages may use the application's realtime side.
   *
   * @param origin what the browser says; servers say nothing and are let in
   * @param host   the request's own: pages that this service serves are at home
   * @throws DomainError `origin_not_allowed`
   */
  async checkOrigin(grant: Grant, origin: string | undefined, host: string | undefined): Promise<readonly string[]> {
    const { corsOrigins } = await this.applications.get(grant.applicationId);
    if (origin === undefined || corsOrigins.includes(origin)) return corsOrigins;
    if (URL.canParse(origin) && new URL(origin).host === host) return corsOrigins;
    throw new DomainError('forbidden', 'origin_not_allowed', 'The application does not list the origin of this page.');
  }

  private async tokenIdOf(applicationId: string, what: { token: string } | { jti: string }): Promise<string> {
    if ('jti' in what) return what.jti;
    const read = await this.codec.read(what.token, ['token', 'ticket']);
    if (read.kind === 'valid' && read.grant.applicationId === applicationId) return read.grant.tokenId;
    const problems = [{ path: 'token', message: 'is not a realtime token of this application' }];
    throw new DomainError('unprocessable', 'realtime_token_invalid', 'The token cannot be revoked.', problems);
  }
}

/** The answer to a token or ticket that opens nothing. */
export function refused(code: 'missing' | 'invalid' | 'expired' | 'revoked', message: string): DomainError {
  return new DomainError('unauthorized', `realtime_token_${code}`, message);
}
