import type { ChannelRef } from './channel.js';

/** What a realtime token allows, to whom, and until when. */
export interface Grant {
  applicationId: string;
  userId: string;
  /** Exact names, and prefixes followed by `*`. */
  channels: readonly string[];
  /** Those that the user may also publish to, in the same form. */
  publish: readonly string[];
  /** Those in which the user is present while following them, in the same form. */
  presence: readonly string[];
  /** `jti`; a ticket has its token's. */
  tokenId: string;
  /** Revoking everything of a user revokes what was issued under an earlier number than the revocation's. */
  generation: number;
  expiresAt: Date;
}

/** One revocation: of a token, or of all that a user had when it was made. */
export interface Revocation {
  applicationId: string;
  kind: 'user' | 'token';
  /** User id, or the token's id. */
  subject: string;
  generation: number;
}

/** Why a connection was ended; clients get it as `{ "reason": … }`. */
export type CloseReason = 'token_expired' | 'token_revoked' | 'slow_consumer';

/** True when a revocation ends what the grant allows. */
export function isRevokedBy(grant: Grant, revocation: Revocation): boolean {
  if (grant.applicationId !== revocation.applicationId) return false;
  return revocation.kind === 'token'
    ? grant.tokenId === revocation.subject
    : grant.userId === revocation.subject && grant.generation < revocation.generation;
}

/** A channel of the grant's application. */
export function channelOf(grant: Grant, name: string): ChannelRef {
  return { applicationId: grant.applicationId, name };
}
