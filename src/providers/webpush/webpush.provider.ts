import type { Clock } from '../../lib/clock.js';
import type { Problem } from '../../lib/errors.js';
import { isPublicAddress } from '../../transport/address-guard.js';
import type { Origin, Transport, TransportRequest } from '../../transport/transport.js';
import { unansweredOutcome, withoutToken } from '../answer.js';
import type { Endpoints } from '../endpoints.js';
import type {
  Credential,
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
  Target,
} from '../provider.js';
import { parseVapidCredential, publicKeyOf, VapidHeaders, type VapidSecret, vapidSecret } from './webpush.auth.js';
import { checkEndpoint, type EndpointClass, type EndpointRules } from './webpush.endpoint.js';
import { saysExpired, webpushOutcome } from './webpush.outcome.js';
import { compileWebPush, encryptFor, type WebPushTemplate, webpushProblems } from './webpush.payload.js';
import { parseSubscription, readSubscription } from './webpush.token.js';

const SENSITIVE = ['authorization'];
/** Push services are few; hosts below an allowed suffix are as many as somebody likes to invent. */
const MAX_ORIGINS = 10_000;

/** Web Push (RFC 8030, 8291, 8292): one encrypted request per browser. */
export class WebPushProvider implements Provider {
  readonly name = 'webpush';
  readonly hasDryRun = false;
  private readonly vapid: VapidHeaders;
  private readonly rules: EndpointRules;
  /** The transport knows an origin again by its object. */
  private readonly origins = new Map<string, Origin>();

  constructor(
    private readonly transport: Transport,
    private readonly clock: Clock,
    private readonly endpoints: Endpoints,
    private readonly allowed: { allowedHosts: readonly string[]; allowInsecure: boolean },
  ) {
    this.vapid = new VapidHeaders(clock);
    this.rules = { ...allowed, isSimulated: (origin) => endpoints.simulatedWebPush(origin) !== undefined };
  }

  parseToken(input: unknown, { vapidPublicKey }: { vapidPublicKey?: string }): ParsedToken {
    return parseSubscription(input, vapidPublicKey, this.rules);
  }

  parseCredential(input: unknown): ParsedCredential {
    return parseVapidCredential(input);
  }

  /** No push service answers for a key alone, so the pair is checked against itself: it belongs together and signs. */
  async verifyCredential(credential: Credential): Promise<Outcome> {
    const secret = vapidSecret(credential);
    const isPair = publicKeyOf(Buffer.from(secret.privateKey, 'base64url')) === secret.publicKey;
    if (!isPair) return { kind: 'credential_invalid', code: 'vapid_pair_mismatch' };
    this.vapid.header(secret, 'https://push.invalid');
    return { kind: 'accepted', code: 'verified' };
  }

  check(message: Message): readonly Problem[] {
    return webpushProblems(message);
  }

  preview(message: Message, credential: Credential): PreviewRequest {
    const template = compileWebPush(message);
    return {
      method: 'POST',
      url: '<endpoint>',
      headers: {
        ttl: String(Math.min(message.ttlSeconds, template.maxTtlSeconds)),
        urgency: template.urgency,
        topic: template.topic,
        'content-type': 'application/octet-stream',
        'content-encoding': 'aes128gcm',
        authorization: `vapid t=<token>, k=${vapidSecret(credential).publicKey}`,
      },
      body: JSON.parse(template.plaintext.toString('utf8')),
      payloadBytes: template.plaintext.length,
    };
  }

  scopeOf(token: string): string {
    const endpoint = readSubscription(token)?.endpoint;
    return endpoint !== undefined && URL.canParse(endpoint) ? new URL(endpoint).origin : '';
  }

  openSender({ message, credentials, lane, report }: SenderOptions): Sender {
    const [current] = credentials;
    const keys = new Map(
      [...credentials].reverse().map((credential) => [vapidSecret(credential).publicKey, credential]),
    );
    const batch = new WebPushBatch(this.transport, this.vapid, this.clock, compileWebPush(message));
    return {
      send: (ref: number, target: Target, timing: SendTiming) => {
        const startedMs = this.clock.monotonicMs();
        const end = (outcome: Outcome) => {
          const latencyMs = this.clock.monotonicMs() - startedMs;
          report(
            ref,
            withoutToken(outcome, () => secretsOf(target.token)),
            latencyMs,
          );
        };
        const credential = target.vapidPublicKey === undefined ? current : keys.get(target.vapidPublicKey);
        const prepared = this.prepare(target, credential, lane);
        if ('code' in prepared) end({ kind: 'token_refused', code: prepared.code });
        else batch.push({ ...prepared, target, timing, startedMs, end });
      },
    };
  }

  async close(): Promise<void> {
    // Connections belong to the transport.
  }

  private prepare(target: Target, credential: Credential | undefined, lane: Lane): Prepared | { code: string } {
    if (credential === undefined) return { code: 'vapid_key_unknown' };
    const endpoint = checkEndpoint(readSubscription(target.token)?.endpoint, this.rules);
    if ('refused' in endpoint) return { code: 'endpoint_not_allowed' };
    // Simulated keys and simulators belong together; a host that the operator named is open to both.
    const isSimulated = endpoint.class === 'simulated';
    if (isSimulated && !credential.simulated) return { code: 'endpoint_is_simulated' };
    if (endpoint.class === 'service' && credential.simulated) return { code: 'credential_is_simulated' };
    return {
      secret: vapidSecret(credential),
      url: endpoint.url,
      origin: this.originOf(endpoint.url, endpoint.class, lane),
    };
  }

  private originOf(url: URL, endpointClass: EndpointClass, lane: Lane): Origin {
    const name = `${lane} ${endpointClass} ${url.origin}`;
    let origin = this.origins.get(name);
    if (origin === undefined) {
      if (this.origins.size >= MAX_ORIGINS) this.origins.clear();
      origin = this.makeOrigin(url, endpointClass, lane);
      this.origins.set(name, origin);
    }
    return origin;
  }

  private makeOrigin(url: URL, endpointClass: EndpointClass, lane: Lane): Origin {
    const ca = this.endpoints.simulatedWebPush(url.origin)?.ca;
    const isGuarded = endpointClass === 'service' || (endpointClass === 'added' && !this.allowed.allowInsecure);
    return {
      url: url.origin,
      key: `webpush:${lane}`,
      requireHttp2: false,
      ...(ca !== undefined && { ca }),
      ...(isGuarded && { allowAddress: isPublicAddress }),
      ...(url.protocol === 'http:' && { allowInsecure: true }),
    };
  }
}

interface Prepared {
  secret: VapidSecret;
  url: URL;
  origin: Origin;
}

/** Characters. A shorter part of a path is the service's word, such as "send". */
const MIN_ID_LENGTH = 16;

/** What of a token gives it away: the endpoint's parts, and the keys of the browser. */
function secretsOf(token: string): string[] {
  const subscription = readSubscription(token);
  if (subscription === undefined) return [];
  const { endpoint, p256dh, auth } = subscription;
  const { pathname, search } = new URL(endpoint);
  const ids = pathname.split('/').filter((segment) => segment.length >= MIN_ID_LENGTH);
  return [pathname + search, ...ids, search.slice(1), p256dh, auth];
}

/** One delivery under way. */
interface Push extends Prepared {
  target: Target;
  timing: SendTiming;
  startedMs: number;
  end(outcome: Outcome): void;
}

/** One message's requests: encryption, VAPID header, request, at most one repeat with a fresh header. */
class WebPushBatch {
  constructor(
    private readonly transport: Transport,
    private readonly vapid: VapidHeaders,
    private readonly clock: Clock,
    private readonly template: WebPushTemplate,
  ) {}

  push(push: Push): void {
    const subscription = readSubscription(push.target.token);
    if (subscription === undefined) {
      push.end({ kind: 'token_refused', code: 'subscription_unreadable' });
      return;
    }
    try {
      const { headers, body } = encryptFor(subscription, this.template, push.timing.ttlSeconds);
      // WNS refuses TTL 0 unless it is told not to keep the message.
      if (headers['ttl'] === '0' && isWns(push.url)) headers['x-wns-cache-policy'] = 'no-cache';
      this.post(push, headers, body, this.vapid.header(push.secret, push.url.origin), false);
    } catch {
      push.end({ kind: 'token_refused', code: 'subscription_keys_unusable' });
    }
  }

  private post(
    push: Push,
    headers: Record<string, string>,
    body: Buffer,
    authorization: string,
    isRepeat: boolean,
  ): void {
    const request: TransportRequest = {
      method: 'POST',
      path: `${push.url.pathname}${push.url.search}`,
      headers: { ...headers, authorization },
      sensitive: SENSITIVE,
      body,
      timeoutMs: push.timing.timeoutMs - (this.clock.monotonicMs() - push.startedMs),
    };
    this.transport.request(push.origin, request, (result) => {
      if (result.kind !== 'response') {
        push.end(unansweredOutcome(result, 0));
        return;
      }
      const outcome = webpushOutcome(result, this.clock.now());
      const isVapid = outcome.kind === 'credential_invalid' && !isRepeat;
      const fresh = isVapid
        ? this.vapid.replacement(push.secret, push.url.origin, authorization, saysExpired(result))
        : undefined;
      if (fresh === undefined) push.end(outcome);
      else this.post(push, headers, body, fresh, true);
    });
  }
}

function isWns(url: URL): boolean {
  return url.hostname.endsWith('.notify.windows.com') || (url.pathname === '/w/' && url.searchParams.has('token'));
}
