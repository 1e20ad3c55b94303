import type { Clock } from '../../lib/clock.js';
import type { Origin, Transport, TransportRequest, TransportResult } from '../../transport/transport.js';
import { unansweredOutcome, withoutToken } from '../answer.js';
import type { Credential, Outcome, Sender, SenderOptions, SendTiming, Target } from '../provider.js';
import { type VapidHeaders, type VapidSecret, vapidSecret } from './webpush.auth.js';
import { encrypt, type Receiver, receiverOf, recordOf } from './webpush.encryption.js';
import type { EphemeralKeys, Salts } from './webpush.keys.js';
import { saysExpired, webpushOutcome } from './webpush.outcome.js';
import { compileWebPush, type WebPushTemplate } from './webpush.payload.js';
import type { PushService, PushServices } from './webpush.services.js';
import { readSubscription, type Subscription } from './webpush.token.js';
import type { Turns } from './webpush.turns.js';

const SENSITIVE = ['authorization'];

/** What all senders of a process share. */
export interface SenderParts {
  transport: Transport;
  clock: Clock;
  vapid: VapidHeaders;
  services: PushServices;
  keys: EphemeralKeys;
  salts: Salts;
  turns: Turns;
}

/** One delivery under way. */
interface Push {
  ref: number;
  target: Target;
  timing: SendTiming;
  startedMs: number;
  secret: VapidSecret;
  service: PushService;
  origin: Origin;
  path: string;
  subscription: Subscription;
  isRepeat: boolean;
}

/** The headers of the last request to one push service, which the next one mostly has, too. */
interface CompiledHeaders {
  ttlSeconds: number;
  authorization: string;
  headers: Readonly<Record<string, string>>;
}

/** One message's requests: encryption, VAPID header, request, at most one repeat with a fresh header. */
export class WebPushSender implements Sender {
  private readonly template: WebPushTemplate;
  private readonly record: Buffer;
  private readonly current: Credential;
  private readonly byPublicKey: ReadonlyMap<string, Credential>;
  private readonly compiled = new Map<PushService, CompiledHeaders>();

  constructor(
    private readonly parts: SenderParts,
    private readonly options: Pick<SenderOptions, 'message' | 'credentials' | 'lane' | 'report'>,
  ) {
    this.template = compileWebPush(options.message);
    this.record = recordOf(this.template.plaintext);
    this.current = options.credentials[0];
    const oldestFirst = [...options.credentials].reverse();
    this.byPublicKey = new Map(oldestFirst.map((credential) => [vapidSecret(credential).publicKey, credential]));
  }

  send(ref: number, target: Target, timing: SendTiming): void {
    const startedMs = this.parts.clock.monotonicMs();
    const push = this.prepare(ref, target, timing, startedMs);
    if (typeof push === 'string') {
      this.options.report(ref, { kind: 'token_refused', code: push }, this.parts.clock.monotonicMs() - startedMs);
    } else this.parts.turns.run(this.options.lane, () => this.post(push));
  }

  /** @returns why this device cannot be sent to, or what is needed to */
  private prepare(ref: number, target: Target, timing: SendTiming, startedMs: number): Push | string {
    const { vapidPublicKey } = target;
    const credential = vapidPublicKey === undefined ? this.current : this.byPublicKey.get(vapidPublicKey);
    if (credential === undefined) return 'vapid_key_unknown';
    const subscription = readSubscription(target.token);
    const place = subscription === undefined ? undefined : this.parts.services.find(subscription.endpoint);
    if (subscription === undefined || place === undefined) return 'endpoint_not_allowed';
    const { service, path } = place;
    // Simulated keys and simulators belong together; a host that the operator named is open to both.
    if (service.class === 'simulated' && !credential.simulated) return 'endpoint_is_simulated';
    if (service.class === 'service' && credential.simulated) return 'credential_is_simulated';
    const secret = vapidSecret(credential);
    const origin = service.origin(this.options.lane);
    return { ref, target, timing, startedMs, secret, service, origin, path, subscription, isRepeat: false };
  }

  /** Encrypts and sends. A repeat is a message of its own: nothing of the first one's key pair and salt is in it. */
  private post(push: Push, freshAuthorization?: string): void {
    const { clock, transport, vapid } = this.parts;
    const timeoutMs = push.timing.timeoutMs - (clock.monotonicMs() - push.startedMs);
    if (timeoutMs <= 0) {
      this.end(push, { kind: 'not_processed', code: 'timeout_before_send' });
      return;
    }
    const authorization = freshAuthorization ?? vapid.header(push.secret, push.service.url);
    if (authorization === undefined) {
      this.end(push, { kind: 'credential_invalid', code: 'vapid_key_unusable' });
      return;
    }
    const receiver = receiverOf(push.subscription);
    if (receiver === undefined) {
      this.end(push, { kind: 'token_refused', code: 'subscription_keys_unusable' });
      return;
    }
    const body = this.encryptFor(receiver);
    if (body === undefined) {
      this.end(push, { kind: 'not_processed', code: 'encryption_failed' });
      return;
    }
    const headers = this.headersFor(push, authorization);
    const request: TransportRequest = {
      method: 'POST',
      path: push.path,
      headers,
      sensitive: SENSITIVE,
      body,
      timeoutMs,
    };
    transport.request(push.origin, request, (result) => this.answered(push, authorization, result));
  }

  private answered(push: Push, authorization: string, result: TransportResult): void {
    if (result.kind !== 'response') {
      this.end(push, unansweredOutcome(result, 0));
      return;
    }
    const outcome = webpushOutcome(result, this.parts.clock.now());
    const mayRepeat = outcome.kind === 'credential_invalid' && !push.isRepeat;
    const fresh = mayRepeat
      ? this.parts.vapid.replacement(push.secret, push.service.url, authorization, saysExpired(result))
      : undefined;
    if (fresh === undefined) this.end(push, outcome);
    else this.parts.turns.run(this.options.lane, () => this.post({ ...push, isRepeat: true }, fresh));
  }

  private end({ ref, target, startedMs }: Push, outcome: Outcome): void {
    const clean = withoutToken(outcome, () => secretsOf(target.token));
    this.options.report(ref, clean, this.parts.clock.monotonicMs() - startedMs);
  }

  private encryptFor(receiver: Receiver): Buffer | undefined {
    try {
      return encrypt(this.record, receiver, this.parts.keys.take(), this.parts.salts.take());
    } catch {
      return undefined;
    }
  }

  private headersFor({ service, path, timing }: Push, authorization: string): Readonly<Record<string, string>> {
    const ttlSeconds = Math.min(timing.ttlSeconds, this.template.maxTtlSeconds);
    let compiled = this.compiled.get(service);
    if (compiled === undefined || compiled.ttlSeconds !== ttlSeconds || compiled.authorization !== authorization) {
      const headers = headersOf(this.template, ttlSeconds, authorization);
      compiled = { ttlSeconds, authorization, headers };
      this.compiled.set(service, compiled);
    }
    // WNS refuses TTL 0 unless it is told not to keep the message.
    const isForWns = ttlSeconds === 0 && (service.isWns || /^\/w\/\?(.*&)?token=/.test(path));
    return isForWns ? { ...compiled.headers, 'x-wns-cache-policy': 'no-cache' } : compiled.headers;
  }
}

function headersOf(template: WebPushTemplate, ttlSeconds: number, authorization: string): Record<string, string> {
  return {
    ttl: String(ttlSeconds),
    'content-type': 'application/octet-stream',
    'content-encoding': 'aes128gcm',
    urgency: template.urgency,
    topic: template.topic,
    authorization,
  };
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
