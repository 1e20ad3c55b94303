import type { Clock } from '../../lib/clock.js';
import { DomainError, type Problem } from '../../lib/errors.js';
import type { Origin, Transport, TransportRequest, TransportResult } from '../../transport/transport.js';
import { unansweredOutcome, withoutToken } from '../answer.js';
import { stableUuid } from '../derive.js';
import type { Endpoints } from '../endpoints.js';
import type {
  Credential,
  Environment,
  Lane,
  Message,
  Outcome,
  ParsedCredential,
  ParsedToken,
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

  preview(message: Message, credential: Credential): PreviewRequest {
    const secret = apnsSecret(credential);
    const template = compileApns(message, secret.bundleId);
    const expiresAt = new Date(this.clock.now().getTime() + message.ttlSeconds * 1000);
    return {
      method: 'POST',
      url: `${this.endpoints.apns(secret.environment, credential.simulated)?.url ?? ''}/3/device/<token>`,
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
    const template = compileApns(message, apnsSecret(credential).bundleId);
    const batch = new ApnsBatch(this.transport, this.tokens, this.clock, credential, template, this.unavailableDelayMs);
    const origins = new Map<Environment, Origin | undefined>();
    return {
      send: (ref: number, target: Target, timing: SendTiming) => {
        const startedMs = this.clock.monotonicMs();
        const end = (outcome: Outcome) => {
          const latencyMs = this.clock.monotonicMs() - startedMs;
          report(
            ref,
            withoutToken(outcome, () => [target.token]),
            latencyMs,
          );
        };
        const environment = target.environment ?? apnsSecret(credential).environment;
        if (!origins.has(environment)) origins.set(environment, this.originOf(credential, environment, lane));
        const origin = origins.get(environment);
        if (origin === undefined) {
          end({ kind: 'credential_invalid', code: 'simulator_not_configured' });
          return;
        }
        const apnsId = stableUuid(message.notificationId, target.deviceId);
        batch.push({ origin, token: target.token, apnsId, timing, startedMs, end });
      },
    };
  }

  async close(): Promise<void> {
    // Connections belong to the transport.
  }

  /** A connection is bound to the team and key of its first push, so a new credential version gets new ones. */
  private originOf(credential: Credential, environment: Environment, lane: Lane): Origin | undefined {
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
  origin: Origin;
  token: string;
  apnsId: string;
  timing: SendTiming;
  startedMs: number;
  end(outcome: Outcome): void;
}

/** One message's requests: provider token, request, at most one repeat with a fresh token or connection. */
class ApnsBatch {
  constructor(
    private readonly transport: Transport,
    private readonly tokens: TokenCache,
    private readonly clock: Clock,
    private readonly credential: Credential,
    private readonly template: ApnsTemplate,
    private readonly unavailableDelayMs: number,
  ) {}

  push(push: Push): void {
    if (apnsSecret(this.credential).mode === 'certificate') this.post(push, undefined, false);
    else this.tokens.use(this.credential, (result) => this.withToken(push, result, false));
  }

  private withToken(push: Push, result: TokenResult, isRepeat: boolean): void {
    if ('outcome' in result) push.end(result.outcome);
    else this.post(push, result, isRepeat);
  }

  private post(push: Push, used: { token: SharedToken } | undefined, isRepeat: boolean): void {
    const timeoutMs = push.timing.timeoutMs - (this.clock.monotonicMs() - push.startedMs);
    if (timeoutMs <= 0) {
      push.end({ kind: 'not_processed', code: 'timeout_before_send' });
      return;
    }
    const headers: Record<string, string> = { ...this.template.headers(push.timing), 'apns-id': push.apnsId };
    if (used !== undefined) headers['authorization'] = `bearer ${used.token.value}`;
    const request: TransportRequest = {
      method: 'POST',
      path: `/3/device/${push.token}`,
      headers,
      sensitive: SENSITIVE,
      body: this.template.payload,
      timeoutMs,
    };
    this.transport.request(push.origin, request, (result) => this.settle(push, used, isRepeat, result));
  }

  private settle(
    push: Push,
    used: { token: SharedToken } | undefined,
    isRepeat: boolean,
    result: TransportResult,
  ): void {
    if (result.kind !== 'response') {
      push.end(unansweredOutcome(result, 0));
      return;
    }
    const outcome = apnsOutcome(result, {
      now: this.clock.now(),
      unavailableDelayMs: this.unavailableDelayMs,
      hasOwnTopic: this.template.hasOwnTopic,
    });
    const { code } = outcome;
    if (code === 'Shutdown' || code === 'IdleTimeout' || code === 'UnrelatedKeyIdInToken') {
      this.transport.retire(result.connection);
    }
    if (used === undefined || isRepeat) push.end(outcome);
    else if (code === 'UnrelatedKeyIdInToken') this.post(push, used, true);
    else if (code === 'ExpiredProviderToken') {
      this.tokens.replace(this.credential, used.token, outcome, (next) => this.withToken(push, next, true));
    } else push.end(outcome);
  }
}
