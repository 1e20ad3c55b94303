import { createSecretKey, hkdfSync, type KeyObject, randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Grant } from './grant.js';

const KEY_PURPOSE = 'carillon realtime tokens, version 1';
const KEY_BYTES = 32;
const ISSUER = 'carillon';
/** A token opens everything; a ticket, which stands in URLs, only streams. */
const AUDIENCES = { token: 'realtime', ticket: 'realtime-ticket' } as const;

/** Seconds. A token lives a day at most. */
export const MAX_TOKEN_SECONDS = 86_400;
/** Seconds for which a ticket opens streams; a stream that it opened ends with the token. */
export const TICKET_SECONDS = 600;
/** Characters of a token or ticket. */
export const MAX_TOKEN_CHARACTERS = 8_192;

export type TokenKind = keyof typeof AUDIENCES;

/** What a presented token turned out to be. */
export type ReadToken = { kind: 'valid'; grant: Grant } | { kind: 'expired' } | { kind: 'invalid' };

const claimsSchema = z.object({
  app: z.uuid(),
  sub: z.string(),
  ch: z.array(z.string()),
  pub: z.array(z.string()).default([]),
  pre: z.array(z.string()).default([]),
  jti: z.uuid(),
  gen: z.number().int(),
  exp: z.number(),
  /** Of a ticket: until when its token lives. */
  until: z.number().optional(),
});

/** Signs and reads realtime tokens: HS256 under a key of their own that is derived from the master key. */
export class TokenCodec {
  private readonly key: KeyObject;

  constructor(masterKey: Buffer) {
    this.key = createSecretKey(Buffer.from(hkdfSync('sha256', masterKey, '', KEY_PURPOSE, KEY_BYTES)));
  }

  /** A new token. @returns it with the grant that it stands for; times are whole seconds */
  async issue(
    allowed: Pick<Grant, 'applicationId' | 'userId' | 'channels' | 'publish' | 'presence' | 'generation'>,
    now: Date,
    ttlSeconds: number,
  ): Promise<{ token: string; grant: Grant }> {
    const exp = Math.floor(now.getTime() / 1_000) + ttlSeconds;
    const grant = { ...allowed, tokenId: randomUUID(), expiresAt: new Date(exp * 1_000) };
    return { token: await this.sign(grant, AUDIENCES.token, now, exp), grant };
  }

  /** A ticket for what a token grants; it ends with the token at the latest, and is revoked with it. */
  async ticketFor(grant: Grant, now: Date): Promise<{ ticket: string; expiresAt: Date }> {
    const until = Math.floor(grant.expiresAt.getTime() / 1_000);
    const exp = Math.min(until, Math.floor(now.getTime() / 1_000) + TICKET_SECONDS);
    return {
      ticket: await this.sign(grant, AUDIENCES.ticket, now, exp, { until }),
      expiresAt: new Date(exp * 1_000),
    };
  }

  /** @param now undefined: also what has expired is valid */
  async read(text: string, kinds: readonly TokenKind[], now?: Date): Promise<ReadToken> {
    try {
      const { payload } = await jwtVerify(text, this.key, {
        algorithms: ['HS256'],
        issuer: ISSUER,
        audience: kinds.map((kind) => AUDIENCES[kind]),
        requiredClaims: ['exp'],
        currentDate: now ?? new Date(0),
      });
      const claims = claimsSchema.parse(payload);
      const grant = {
        applicationId: claims.app,
        userId: claims.sub,
        channels: claims.ch,
        publish: claims.pub,
        presence: claims.pre,
        tokenId: claims.jti,
        generation: claims.gen,
        expiresAt: new Date((claims.until ?? claims.exp) * 1_000),
      };
      return { kind: 'valid', grant };
    } catch (error) {
      return { kind: error instanceof errors.JWTExpired ? 'expired' : 'invalid' };
    }
  }

  private sign(grant: Grant, audience: string, now: Date, exp: number, more: object = {}): Promise<string> {
    const pub = grant.publish.length > 0 && audience === AUDIENCES.token ? { pub: grant.publish } : {};
    const pre = grant.presence.length > 0 ? { pre: grant.presence } : {};
    const claims = { app: grant.applicationId, ch: grant.channels, gen: grant.generation, ...pub, ...pre, ...more };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(ISSUER)
      .setAudience(audience)
      .setSubject(grant.userId)
      .setJti(grant.tokenId)
      .setIssuedAt(now)
      .setExpirationTime(exp)
      .sign(this.key);
  }
}
