import type { Clock } from '../../lib/clock.js';
import { DomainError, type Problem } from '../../lib/errors.js';
import type { SplicedBody } from '../../transport/spliced-body.js';
import type { Origin, Transport, TransportResult } from '../../transport/transport.js';
import { isRecord, unansweredOutcome, withoutToken } from '../answer.js';
import type { Endpoints } from '../endpoints.js';
import type {
  Credential,
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
import { accessTokens, fcmSecret, parseServiceAccount } from './fcm.auth.js';
import { acceptedByFcm, FCM_MINIMUM_DELAY_MS, fcmOutcome } from './fcm.outcome.js';
import { compileFcm, type FcmTemplate, fcmProblems } from './fcm.payload.js';
import { FcmMessageError } from './fcm-compiler.js';

/** Characters. Tokens are opaque; this is FCM's own bound for the field. */
const MAX_TOKEN_LENGTH = 4096;
/** Printable ASCII that needs no escaping in JSON, so that a token can be copied into a compiled body. */
const TOKEN_PATTERN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const VERIFY_TIMEOUT_MS = 10_000;
/** No device's. */
const NO_TOKEN = 'carillon-verification';
const PREVIEW_TOKEN = '<token>';

/** Firebase Cloud Messaging, HTTP v1: one request per device. */
export class FcmProvider implements Provider {
  readonly name = 'fcm';
  readonly hasDryRun = true;
  private readonly tokens: TokenCache;
  private readonly origins = new WeakMap<Credential, Partial<Record<Lane, Origin | undefined>>>();

  constructor(
    private readonly transport: Transport,
    store: SharedTokenStore,
    private readonly clock: Clock,
    private readonly endpoints: Endpoints,
  ) {
    this.tokens = accessTokens(transport, store, clock, endpoints);
  }

  parseToken(input: unknown): ParsedToken {
    if (typeof input === 'string' && input.length <= MAX_TOKEN_LENGTH && TOKEN_PATTERN.test(input)) {
      return { token: input, identity: input };
    }
    const message = `must be an FCM registration token: 1 to ${MAX_TOKEN_LENGTH} printable characters`;
    throw new DomainError('invalid', 'invalid_token', `token ${message}`, [{ path: 'token', message }]);
  }

  parseCredential(input: unknown): ParsedCredential {
    return parseServiceAccount(input);
  }

  /** Sends a dry run to a token that cannot exist: that FCM looks at the token at all proves project, key and permission. */
  verifyCredential(credential: Credential, message = NO_MESSAGE): Promise<Outcome> {
    const timing = { ttlSeconds: message.ttlSeconds, expiresAt: this.clock.now() };
    const body = compileFcm(message).body(NO_TOKEN, timing);
    const request = JSON.parse(body.toBuffer().toString('utf8')) as Record<string, unknown>;
    const dryRun = Buffer.from(JSON.stringify({ ...request, validate_only: true }));
    return new Promise((resolve) => {
      const report = (_ref: number, outcome: Outcome) => {
        const isFine = ['accepted', 'token_invalid', 'token_refused'].includes(outcome.kind);
        resolve(isFine ? { kind: 'accepted', code: 'verified' } : outcome);
      };
      const delivery = this.delivery(credential, 'normal', { body: () => dryRun }, report);
      delivery.start(0, NO_TOKEN, { ...timing, timeoutMs: VERIFY_TIMEOUT_MS });
    });
  }

  check(message: Message): readonly Problem[] {
    return fcmProblems(message);
  }

  preview(message: Message, credential: Credential, sent?: PreviewedPush): PreviewRequest {
    const template = compileFcm(message);
    const expiresAt = sent?.expiresAt ?? new Date(this.clock.now().getTime() + message.ttlSeconds * 1000);
    const body: unknown = JSON.parse(
      template.body(PREVIEW_TOKEN, { ttlSeconds: message.ttlSeconds, expiresAt }).toBuffer().toString(),
    );
    return {
      method: 'POST',
      url: `${this.endpoints.fcm(credential.simulated)?.url ?? ''}${sendPath(credential)}`,
      headers: { ...CONTENT_TYPE, authorization: 'Bearer <access token>' },
      body: isRecord(body) ? body : {},
      payloadBytes: template.payloadBytes(),
    };
  }

  scopeOf(): string {
    return '';
  }

  openSender({ message, credentials, lane, report }: SenderOptions): Sender {
    let template: FcmTemplate;
    try {
      template = compileFcm(message);
    } catch (error) {
      if (!(error instanceof FcmMessageError)) throw error;
      const refused: Outcome = { kind: 'message_invalid', code: 'INVALID_ARGUMENT', detail: error.message };
      return { send: (ref) => report(ref, refused, 0) };
    }
    const delivery = this.delivery(credentials[0], lane, template, report);
    return { send: (ref: number, target: Target, timing: SendTiming) => delivery.start(ref, target.token, timing) };
  }

  async close(): Promise<void> {
    // Connections belong to the transport.
  }

  /** The same object each time: the transport works out once for each what it shares connections with. */
  private originOf(credential: Credential, lane: Lane): Origin | undefined {
    const known = this.origins.get(credential) ?? {};
    this.origins.set(credential, known);
    if (lane in known) return known[lane];
    const endpoint = this.endpoints.fcm(credential.simulated);
    known[lane] = endpoint && {
      url: endpoint.url,
      key: `${credential.id}:${lane}`,
      requireHttp2: false,
      ...(endpoint.ca !== undefined && { ca: endpoint.ca }),
      ...(endpoint.url.startsWith('http:') && { allowInsecure: true }),
    };
    return known[lane];
  }

  private delivery(credential: Credential, lane: Lane, template: Bodies, report: SenderOptions['report']): FcmDelivery {
    const origin = this.originOf(credential, lane);
    return new FcmDelivery(this.transport, this.tokens, this.clock, credential, origin, template, report);
  }
}

/** What a credential is tried with when nothing else is to be validated. */
const NO_MESSAGE: Message = {
  notificationId: '00000000-0000-0000-0000-000000000000',
  content: { data: {} },
  priority: 'normal',
  ttlSeconds: 0,
};

const CONTENT_TYPE = { 'content-type': 'application/json' };
const SENSITIVE = ['authorization'];

function sendPath(credential: Credential): string {
  return `/v1/projects/${fcmSecret(credential).projectId}/messages:send`;
}

/** The request body for each device. */
interface Bodies {
  body(token: string, timing: SendTiming): Buffer | SplicedBody;
}

/** One delivery under way. */
interface Push {
  ref: number;
  token: string;
  timing: SendTiming;
  startedMs: number;
  isRepeat: boolean;
}

/** One message's requests with one credential: access token, request, at most one repeat with a fresh token. */
class FcmDelivery {
  private readonly path: string;
  /** Headers differ only with the access token. */
  private headers: Record<string, string> = {};
  private headersToken = '';

  constructor(
    private readonly transport: Transport,
    private readonly tokens: TokenCache,
    private readonly clock: Clock,
    private readonly credential: Credential,
    private readonly origin: Origin | undefined,
    private readonly template: Bodies,
    private readonly report: SenderOptions['report'],
  ) {
    this.path = sendPath(credential);
  }

  start(ref: number, token: string, timing: SendTiming): void {
    if (this.origin === undefined) {
      this.report(ref, { kind: 'credential_invalid', code: 'simulator_not_configured' }, 0);
      return;
    }
    const push = { ref, token, timing, startedMs: this.clock.monotonicMs(), isRepeat: false };
    const accessToken = this.tokens.atHand(this.credential);
    if (accessToken !== undefined) this.post(this.origin, push, accessToken, timing.timeoutMs);
    else this.tokens.use(this.credential, (result) => this.withToken(push, result));
  }

  private withToken(push: Push, result: TokenResult): void {
    const leftMs = push.timing.timeoutMs - (this.clock.monotonicMs() - push.startedMs);
    if ('outcome' in result) this.end(push, result.outcome);
    else if (leftMs <= 0) this.end(push, { kind: 'not_processed', code: 'timeout_before_send' });
    else if (this.origin !== undefined) this.post(this.origin, push, result.token, leftMs);
  }

  private post(origin: Origin, push: Push, accessToken: SharedToken, timeoutMs: number): void {
    const request = {
      method: 'POST' as const,
      path: this.path,
      headers: this.headersFor(accessToken.value),
      sensitive: SENSITIVE,
      body: this.template.body(push.token, push.timing),
      timeoutMs,
    };
    this.transport.request(origin, request, (result) => this.settle(push, accessToken, result));
  }

  private settle(push: Push, accessToken: SharedToken, result: TransportResult): void {
    const outcome = this.outcomeOf(result);
    const isTokenRefused = outcome.kind === 'credential_invalid' && outcome.status === 401;
    if (isTokenRefused && !push.isRepeat) {
      push.isRepeat = true;
      this.tokens.replace(this.credential, accessToken, outcome, (next) => this.withToken(push, next));
    } else this.end(push, outcome);
  }

  private end(push: Push, outcome: Outcome): void {
    const latencyMs = this.clock.monotonicMs() - push.startedMs;
    const isPlain = outcome.kind === 'accepted' && outcome.detail === undefined;
    this.report(push.ref, isPlain ? outcome : withoutToken(outcome, () => [push.token]), latencyMs);
  }

  private outcomeOf(answer: TransportResult): Outcome {
    if (answer.kind !== 'response') return unansweredOutcome(answer, FCM_MINIMUM_DELAY_MS);
    return acceptedByFcm(answer) ?? fcmOutcome(answer, this.clock.now());
  }

  private headersFor(accessToken: string): Record<string, string> {
    if (this.headersToken !== accessToken) {
      this.headersToken = accessToken;
      this.headers = { ...CONTENT_TYPE, authorization: `Bearer ${accessToken}` };
    }
    return this.headers;
  }
}
