import type { Clock } from '../../lib/clock.js';
import { DomainError, type Problem } from '../../lib/errors.js';
import type { Origin, Transport, TransportRequest, TransportResult } from '../../transport/transport.js';
import { type Answer, unansweredOutcome, withoutToken } from '../answer.js';
import { stableUuids } from '../derive.js';
import type { Endpoints } from '../endpoints.js';
import type {
  Credential,
  Environment,
  Lane,
  Message,
  Outcome,
  ParsedCredential,
  ParsedToken,
  PreviewedPush,
  PreviewRequest,
  Provider,
  Sender,
  SenderOptions,
  SendTiming,
  SharedToken,
  SharedTokenStore,
  Target,
} from '../provider.js';
import type { TokenCache, TokenResult } from '../token-cache.js';
import { apnsSecret, parseApnsCredential, providerTokens } from './apns.auth.js';
import { apnsOutcome } from './apns.outcome.js';
import { type ApnsTemplate, apnsProblems, compileApns } from './apns.payload.js';

/** Hex, whole bytes. Apple: "don't make assumptions about device token size"; this is only a sane end. */
const TOKEN_PATTERN = /^(?:[0-9a-f]{2}){1,100}$/;
const SENSITIVE = ['authorization'];
const VERIFY_TIMEOUT_MS = 10_000;
/** Well-formed, and no device's. */
const VERIFY_TOKEN = `dead0400${'0'.repeat(56)}`;

/** Apple Push Notification service over HTTP/2: one request per device. */
export class ApnsProvider implements Provider {
  readonly name = 'apns';
  readonly hasDryRun = false;
  private readonly tokens: TokenCache;
  private readonly origins = new WeakMap<Credential, Map<string, Origin | undefined>>();

  constructor(
    private readonly transport: Transport,
    store: SharedTokenStore,
    private readonly clock: Clock,
    private readonly endpoints: Endpoints,
    private readonly unavailableDelayMs: number,
  ) {
    this.tokens = providerTokens(store, clock);
  }

  parseToken(input: unknown, { environment }: { environment?: Environment }): ParsedToken {
    const token = typeof input === 'string' ? input.toLowerCase() : '';
    if (TOKEN_PATTERN.test(token)) return { token, identity: token, ...(environment !== undefined && { environment }) };
    const message = 'must be an APNs device token: hex digits, at most 200';
    throw new DomainError('invalid', 'invalid_token', `token ${message}`, [{ path: 'token', message }]);
  }

  parseCredential(input: unknown, now: Date): ParsedCredential {
    return parseApnsCredential(input, now);
  }

  /** Pushes to a token that no device has: `BadDeviceToken` comes only after key, team and topic were found good. */
  verifyCredential(credential: Credential): Promise<Outcome> {
    return new Promise((resolve) => {
      const sender = this.openSender({
        message: {
          notificationId: '00000000-0000-0000-0000-000000000000',
          content: {},
          priority: 'normal',
          ttlSeconds: 0,
        },
        credentials: [credential],
        lane: 'normal',
        report: (_ref, outcome) => {
          const isFine = ['accepted', 'token_invalid', 'token_refused'].includes(outcome.kind);
          resolve(isFine ? { kind: 'accepted', code: 'verified' } : outcome);
        },
      });
      const timing = { ttlSeconds: 0, expiresAt: new Date(0), timeoutMs: VERIFY_TIMEOUT_MS };
      sender.send(0, { deviceId: 'verification', token: VERIFY_TOKEN }, timing);
    });
  }

  check(message: Message): readonly Problem[] {
    return apnsProblems(message);
  }

  preview(message: Message, credential: Credential, sent?: PreviewedPush): PreviewRequest {
    const secret = apnsSecret(credential);
    const template = compileApns(message, secret.bundleId);
    const expiresAt = sent?.expiresAt ?? new Date(this.clock.now().getTime() + message.ttlSeconds * 1000);
    return {
      method: 'POST',
      url: `${this.endpoints.apns(sent?.environment ?? secret.environment, credential.simulated)?.url ?? ''}/3/device/<token>`,
      headers: {
        ...template.headers({ ttlSeconds: message.ttlSeconds, expiresAt }),
        'apns-id': '<from notification and device>',
        ...(secret.mode === 'key' && { authorization: 'bearer <provider token>' }),
      },
      body: JSON.parse(template.payload.toString('utf8')),
      payloadBytes: template.payload.length,
    };
  }

  scopeOf(): string {
    return '';
  }

  openSender({ message, credentials, lane, report }: SenderOptions): Sender {
    const [credential] = credentials;
    const secret = apnsSecret(credential);
    const template = compileApns(message, secret.bundleId);
    const batch = new ApnsBatch(
      this.transport,
      this.tokens,
      this.clock,
      credential,
      template,
      this.unavailableDelayMs,
      report,
    );
    const apnsIdOf = stableUuids(message.notificationId);
    return {
      send: (ref: number, target: Target, timing: SendTiming) => {
        const environment = target.environment ?? secret.environment;
        const origin = this.originOf(credential, environment, lane);
        if (origin !== undefined) batch.start(ref, target.token, apnsIdOf(target.deviceId), origin, timing);
        else report(ref, { kind: 'credential_invalid', code: 'simulator_not_configured' }, 0);
      },
    };
  }

  async close(): Promise<void> {
    // Connections belong to the transport.
  }

  /** A connection is bound to the team and key of its first push, so a new credential version gets new ones. */
  private originOf(credential: Credential, environment: Environment, lane: Lane): Origin | undefined {
    const known = this.origins.get(credential) ?? new Map<string, Origin | undefined>();
    this.origins.set(credential, known);
    const name = `${environment} ${lane}`;
    if (!known.has(name)) known.set(name, this.makeOrigin(credential, environment, lane));
    return known.get(name);
  }

  private makeOrigin(credential: Credential, environment: Environment, lane: Lane): Origin | undefined {
    const endpoint = this.endpoints.apns(environment, credential.simulated);
    if (endpoint === undefined) return undefined;
    const secret = apnsSecret(credential);
    return {
      url: endpoint.url,
      key: `${credential.id}:${credential.version}:${environment}:${lane}`,
      requireHttp2: true,
      // Apple allows one stream until the first provider token was found good, then says how many.
      initialStreams: 1,
      ...(endpoint.ca !== undefined && { ca: endpoint.ca }),
      ...(secret.mode === 'certificate' && { cert: secret.certificate, certKey: secret.privateKey }),
      ...(endpoint.url.startsWith('http:') && { allowInsecure: true }),
    };
  }
}

/** One delivery under way. */
interface Push {
  ref: number;
  token: string;
  apnsId: string;
  origin: Origin;
  timing: SendTiming;
  startedMs: number;
  isRepeat: boolean;
}

/** One message's requests: provider token, request, at most one repeat with a fresh token or connection. */
class ApnsBatch {
  private readonly usesCertificate: boolean;

  constructor(
    private readonly transport: Transport,
    private readonly tokens: TokenCache,
    private readonly clock: Clock,
    private readonly credential: Credential,
    private readonly template: ApnsTemplate,
    private readonly unavailableDelayMs: number,
    private readonly report: SenderOptions['report'],
  ) {
    this.usesCertificate = apnsSecret(credential).mode === 'certificate';
  }

  start(ref: number, token: string, apnsId: string, origin: Origin, timing: SendTiming): void {
    const push = { ref, token, apnsId, origin, timing, startedMs: this.clock.monotonicMs(), isRepeat: false };
    const used = this.usesCertificate ? undefined : this.tokens.atHand(this.credential);
    if (used !== undefined || this.usesCertificate) this.post(push, used, timing.timeoutMs);
    else this.tokens.use(this.credential, (result) => this.withToken(push, result));
  }

  private withToken(push: Push, result: TokenResult): void {
    if ('outcome' in result) this.end(push, result.outcome);
    else this.postInTime(push, result.token);
  }

  private postInTime(push: Push, used: SharedToken): void {
    const leftMs = push.timing.timeoutMs - (this.clock.monotonicMs() - push.startedMs);
    if (leftMs > 0) this.post(push, used, leftMs);
    else this.end(push, { kind: 'not_processed', code: 'timeout_before_send' });
  }

  private post(push: Push, used: SharedToken | undefined, timeoutMs: number): void {
    const headers: Record<string, string> = { ...this.template.headers(push.timing), 'apns-id': push.apnsId };
    if (used !== undefined) headers['authorization'] = `bearer ${used.value}`;
    const request: TransportRequest = {
      method: 'POST',
      path: `/3/device/${push.token}`,
      headers,
      sensitive: SENSITIVE,
      body: this.template.payload,
      timeoutMs,
    };
    this.transport.request(push.origin, request, (result) => this.settle(push, used, result));
  }

  private settle(push: Push, used: SharedToken | undefined, result: TransportResult): void {
    if (result.kind !== 'response') {
      this.end(push, unansweredOutcome(result, 0));
      return;
    }
    const outcome = this.outcomeOf(result);
    const { code } = outcome;
    if (code === 'Shutdown' || code === 'IdleTimeout' || code === 'UnrelatedKeyIdInToken') {
      this.transport.retire(result.connection);
    }
    const mayRepeat = used !== undefined && !push.isRepeat;
    if (mayRepeat && code === 'UnrelatedKeyIdInToken') {
      push.isRepeat = true;
      this.postInTime(push, used);
    } else if (mayRepeat && code === 'ExpiredProviderToken') {
      push.isRepeat = true;
      this.tokens.replace(this.credential, used, outcome, (next) => this.withToken(push, next));
    } else this.end(push, outcome);
  }

  private outcomeOf(answer: Answer): Outcome {
    const { unavailableDelayMs, template } = this;
    return apnsOutcome(answer, { now: this.clock.now(), unavailableDelayMs, hasOwnTopic: template.hasOwnTopic });
  }

  private end(push: Push, outcome: Outcome): void {
    const latencyMs = this.clock.monotonicMs() - push.startedMs;
    const isPlain = outcome.kind === 'accepted' && outcome.detail === undefined;
    this.report(push.ref, isPlain ? outcome : withoutToken(outcome, () => [push.token]), latencyMs);
  }
}
