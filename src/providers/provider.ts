/**
 * The port between dispatching and the three push services.
 *
 * An adapter states facts: it turns one delivery into one request and one answer into one {@link Outcome}. What follows
 * from an outcome (retry, prune, hold) is decided in `deliveries/settle.ts` and nowhere else.
 */
import type { Problem } from '../lib/errors.js';
import { LANES, type Lane, PROVIDER_NAMES, type ProviderName } from '../lib/names.js';

export { LANES, type Lane, PROVIDER_NAMES, type ProviderName };

export type Environment = 'production' | 'sandbox';

/** Nest injection token for `ReadonlyMap<ProviderName, Provider>`. */
export const PROVIDERS = Symbol('Providers');

/** What every outcome may carry. `code` is the provider's own word or HTTP status. Nothing here may hold a token or a secret. */
interface OutcomeFacts {
  code: string;
  /** HTTP status of the answer, when there was one. */
  status?: number;
  /** At most 500 bytes, free of secrets: what the provider said. */
  detail?: string;
}

/** The fact that one provider call ended with. */
export type Outcome =
  | { kind: 'accepted'; code: string; status?: number; detail?: string; providerMessageId?: string }
  /** The provider certainly did not take the request: connect failed, REFUSED_STREAM, id above GOAWAY's last. */
  | ({ kind: 'not_processed' } & OutcomeFacts)
  /** The provider answered 5xx itself. `minimumDelayMs`: what its documentation asks for at least. */
  | ({ kind: 'unavailable'; retryAfterMs?: number; minimumDelayMs: number } & OutcomeFacts)
  /** `lane`: the whole project or key is over quota; `token`: this device only. */
  | ({ kind: 'throttled'; scope: 'lane' | 'token'; retryAfterMs?: number; minimumDelayMs: number } & OutcomeFacts)
  /** The address is dead. `invalidSince`: since when, if the provider says so. */
  | ({ kind: 'token_invalid'; invalidSince?: Date } & OutcomeFacts)
  /** Wrong project, environment, key or topic for this token: the token may be alive elsewhere. */
  | ({ kind: 'token_refused' } & OutcomeFacts)
  | ({ kind: 'message_invalid' } & OutcomeFacts)
  | ({ kind: 'credential_invalid' } & OutcomeFacts)
  /** The request may have been processed: timeout, reset or close after its first byte, a proxy's HTML 502 or 504. */
  | ({ kind: 'ambiguous'; minimumDelayMs: number } & OutcomeFacts);

export type OutcomeKind = Outcome['kind'];

/** What is shown on the device. Field names and limits: README, "Content". */
export interface Content {
  title?: string;
  body?: string;
  imageUrl?: string;
  clickUrl?: string;
  badge?: number;
  sound?: string;
  data?: Record<string, string>;
}

/** One notification as an adapter sees it: the same for every device. */
export interface Message {
  notificationId: string;
  content: Content;
  priority: 'high' | 'normal';
  /** The caller's. Absent: each adapter derives one from the notification, so that a repeat replaces instead of showing twice. */
  collapseKey?: string;
  /** What was asked for; the remaining time is given per send. */
  ttlSeconds: number;
  /** The caller's `overrides` for this provider, not yet checked. */
  overrides?: unknown;
}

/** An opened credential. `secret` is whatever {@link Provider.parseCredential} returned. */
export interface Credential {
  id: string;
  applicationId: string;
  provider: ProviderName;
  version: number;
  /** Public parts: project id, key id, team id, bundle id, environment, VAPID public key. */
  publicParts: Record<string, string>;
  secret: Record<string, unknown>;
  /** True: it belongs to the simulators, talks to them only and trusts their CA. */
  simulated: boolean;
}

export interface ParsedCredential {
  publicParts: Record<string, string>;
  secret: Record<string, unknown>;
  /** SHA-256 over the secret part, shortened: tells two credentials apart without revealing either. */
  fingerprint: string;
}

export interface ParsedToken {
  /** The canonical, opaque form that is stored and handed back as {@link Target.token}. */
  token: string;
  /** What makes two registrations the same device: token, or endpoint. Hashed by the caller. */
  identity: string;
  environment?: Environment;
  vapidPublicKey?: string;
}

/** One device to send to. */
export interface Target {
  /** The device's public id, a UUID. */
  deviceId: string;
  token: string;
  environment?: Environment;
  vapidPublicKey?: string;
}

export interface SendTiming {
  /** Seconds that remain of the TTL at this moment; 0 = now or never. */
  ttlSeconds: number;
  /** Absolute expiry by the database's clock; APNs takes the moment rather than a duration. */
  expiresAt: Date;
  /** Milliseconds this request may take in all. */
  timeoutMs: number;
}

/** Sends one message to many devices with one credential. Made per batch, cheap: connections live in `transport/`. */
export interface Sender {
  /**
   * Starts one delivery. Never throws; ends with exactly one `report(ref, outcome)`, possibly before it returns.
   *
   * @param ref the caller's number for this delivery
   */
  send(ref: number, target: Target, timing: SendTiming): void;
}

export interface SenderOptions {
  message: Message;
  /** The current credential first; then, for Web Push, older key pairs that devices still use. */
  credentials: readonly [Credential, ...Credential[]];
  lane: Lane;
  report(ref: number, outcome: Outcome, latencyMs: number): void;
}

/** The exact request that would go out, without secrets. */
export interface PreviewRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: unknown;
  payloadBytes: number;
}

/** What a preview of a stored push depends on beside message and credential. */
export interface PreviewedPush {
  expiresAt: Date;
  /** The device's. */
  environment?: Environment | undefined;
}

export interface Provider {
  readonly name: ProviderName;

  /**
   * Checks and normalises what a client registers.
   *
   * @param input the `token` field as received
   * @throws DomainError `invalid_token` with the path of each wrong field, below `token`
   */
  parseToken(input: unknown, options: { environment?: Environment; vapidPublicKey?: string }): ParsedToken;

  /**
   * Checks that a credential can work at all: PEM, curve, matching pair, certificate dates.
   *
   * @throws DomainError `invalid_credential` with the path of each wrong field
   */
  parseCredential(input: unknown, now: Date): ParsedCredential;

  /** The provider validates whole messages without sending them. */
  readonly hasDryRun: boolean;

  /**
   * Tries the credential against the provider without sending anything to anybody.
   *
   * @param message only where {@link hasDryRun}: also have the provider validate this one
   */
  verifyCredential(credential: Credential, message?: Message): Promise<Outcome>;

  /** What is wrong with this message for this provider, sizes included; empty when it can be sent. Pure, no network. */
  check(message: Message): readonly Problem[];

  /** @param sent what is known of a push that has been stored; absent: one that would go out now */
  preview(message: Message, credential: Credential, sent?: PreviewedPush): PreviewRequest;

  /** What a closed gate for this token covers: the push service's origin for Web Push, '' where one gate covers all. */
  scopeOf(token: string): string;

  openSender(options: SenderOptions): Sender;

  /** Ends idle connections; called once, when the process stops. */
  close(): Promise<void>;
}

/** A short-lived token that all processes share: the APNs provider token or the FCM access token. */
export interface SharedToken {
  value: string;
  issuedAt: Date;
  expiresAt: Date;
}

/** Nest injection token for {@link SharedTokenStore}. */
export const SHARED_TOKEN_STORE = Symbol('SharedTokenStore');

/** Where shared tokens live: one row per credential, minted under its lock, so that a fleet mints once. */
export interface SharedTokenStore {
  /**
   * The stored token, or a freshly minted one when `accept` refuses the stored one.
   * Only one process mints at a time; the others wait and get its result.
   *
   * @param accept decides whether the stored token may still be used; gets the store's present time
   * @param mint   makes a new one; gets the present time. What it throws reaches the caller, nothing is stored
   */
  obtain(
    credential: Credential,
    accept: (token: SharedToken, now: Date) => boolean,
    mint: (now: Date) => Promise<SharedToken>,
  ): Promise<SharedToken>;
}
