import { hash, randomUUID } from 'node:crypto';
import { decrypt, parseEncryptedBody } from './ece.js';
import type { Exchange, Reply } from './exchange.js';
import { FingerprintCounter } from './fingerprints.js';
import { carillonNotificationId, type Failure, type Judgement, type PushService } from './service.js';
import type { Settings } from './settings.js';
import { isBoundTo, type Subscriptions, type WebpushProfile } from './subscriptions.js';
import type { Vapid } from './vapid.js';
import { type RequestFault, requestReply, vapidReply, webpushFailure } from './webpush-words.js';

const MAX_BODY_BYTES = 4096;
/** Seconds. Mozilla stores no message longer, and says so in its answer only. */
const MOZILLA_MAX_TTL = 30 * 86_400;
const TOPIC = /^[A-Za-z0-9_-]{1,32}$/;
const URGENCIES = ['very-low', 'low', 'normal', 'high'];

export interface WebpushContext {
  subscriptions: Subscriptions;
  vapid: Vapid;
  settings: Settings;
  /** Reports what a push service cannot see but a simulator can. */
  violation(what: string, target: string): void;
  /** Where redirect bait points: nobody may ever follow it. */
  canaryUrl(): string;
}

/** One push service: RFC 8030 with the words and quirks of one browser vendor. */
export class WebpushService implements PushService {
  readonly name = 'webpush';
  private readonly salts = new FingerprintCounter();
  private readonly senderKeys = new FingerprintCounter();
  private messageCount = 0;

  constructor(
    private readonly profile: WebpushProfile,
    private readonly context: WebpushContext,
  ) {}

  /** Where a subscription of this profile is reached. */
  static endpoint(profile: WebpushProfile, origin: string, id: string): string {
    return profile === 'wns' ? `${origin}/w/?token=${id}` : `${origin}/push/${profile}/${id}`;
  }

  judge(exchange: Exchange): Judgement {
    const id = this.idOf(exchange.path);
    if (id === undefined) return this.refused('path', undefined);
    if (exchange.method !== 'POST') return this.refused('method', id);
    const fault = this.headerFault(exchange);
    if (fault) return this.refused(fault, id);
    const origin = `https://${exchange.headers[':authority'] ?? exchange.headers['host'] ?? ''}`;
    const identity = this.context.vapid.check(exchange.headers['authorization'], origin, this.profile === 'apple');
    if (typeof identity === 'string') {
      const { reason, ...reply } = vapidReply(this.profile, identity);
      const violation = identity === 'expired' ? undefined : `webpush: vapid ${identity}`;
      return { kind: 'refused', reply, reason, target: id, violation };
    }
    if (!isBoundTo(id, identity.publicKey)) {
      const { reason, ...reply } = vapidReply(this.profile, 'mismatch');
      return { kind: 'refused', reply, reason, target: id };
    }
    const body = this.read(exchange, id, identity.publicKey);
    return { kind: 'admitted', target: id, notificationKey: notificationKey(exchange, body), body };
  }

  accepted(exchange: Exchange): Reply {
    const ttl = Number(exchange.headers['ttl']);
    const headers: Record<string, string> = {
      location: `https://${exchange.headers[':authority'] ?? exchange.headers['host'] ?? ''}/message/${randomUUID()}`,
      ttl: String(this.profile === 'mozilla' ? Math.min(ttl, MOZILLA_MAX_TTL) : ttl),
    };
    if (this.profile === 'wns') headers['x-wns-status'] = 'received';
    return { status: 201, headers };
  }

  failure(failure: Failure): Reply {
    return webpushFailure(this.profile, failure, this.context.canaryUrl());
  }

  reset(): void {
    this.salts.clear();
    this.senderKeys.clear();
    this.messageCount = 0;
  }

  private idOf(path: string): string | undefined {
    const prefix = this.profile === 'wns' ? '/w/?token=' : `/push/${this.profile}/`;
    return path.startsWith(prefix) && path.length > prefix.length ? path.slice(prefix.length) : undefined;
  }

  private headerFault(exchange: Exchange): RequestFault | undefined {
    const { headers, rawHeaders, bodyBytes } = exchange;
    const ttl = headers['ttl'];
    if (ttl === undefined) return 'ttl-missing';
    if (!/^\d{1,10}$/.test(ttl)) return 'ttl';
    if (this.profile === 'wns' && Number(ttl) === 0 && headers['x-wns-cache-policy'] !== 'no-cache') return 'ttl-wns';
    const topic = headers['topic'];
    if (topic !== undefined && !TOPIC.test(topic)) return 'topic';
    const urgency = headers['urgency'];
    if (urgency !== undefined && (!URGENCIES.includes(urgency) || countHeader(rawHeaders, 'urgency') > 1))
      return 'urgency';
    if (bodyBytes > MAX_BODY_BYTES) return 'too-large';
    const isEncoded = headers['content-encoding'] === 'aes128gcm';
    return bodyBytes > 0 && !isEncoded ? 'encoding' : undefined;
  }

  /**
   * What the device will see. A push service cannot look inside and takes anything, so what is wrong in here is
   * reported as a violation and never refused.
   */
  private read(exchange: Exchange, id: string, vapidKey: Buffer): string {
    if (exchange.bodyBytes === 0) return '';
    const encrypted = parseEncryptedBody(exchange.body);
    if (typeof encrypted === 'string') return this.undecryptable(encrypted, id);
    const senderKey = encrypted.senderKey.toString('latin1');
    if (encrypted.senderKey.equals(vapidKey)) this.context.violation('webpush: VAPID key used for encryption', id);
    if (this.salts.add(encrypted.salt.toString('latin1')) > 1) this.context.violation('webpush: salt used twice', id);
    if (this.senderKeys.add(senderKey) > 1) this.context.violation('webpush: ECDH key used twice', id);
    this.messageCount += 1;
    const every = this.context.settings.values.webpushDecryptEvery;
    if (every === 0 || this.messageCount % every !== 0) return '';
    try {
      return decrypt(encrypted, this.context.subscriptions.receiver(id)).toString('utf8');
    } catch (error) {
      return this.undecryptable(error instanceof Error ? error.message : String(error), id);
    }
  }

  private undecryptable(why: string, id: string): string {
    this.context.violation(`webpush: undecryptable: ${why}`, id);
    return '';
  }

  private refused(fault: RequestFault, id: string | undefined): Judgement {
    const reply = requestReply(this.profile, fault);
    return { kind: 'refused', reply, reason: fault, target: id, violation: `webpush: ${fault}` };
  }
}

function countHeader(rawHeaders: readonly string[], name: string): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) if (rawHeaders[index]?.toLowerCase() === name) count += 1;
  return count;
}

function notificationKey(exchange: Exchange, body: string): string {
  const id = carillonNotificationId(body);
  if (id !== undefined) return id;
  const topic = exchange.headers['topic'];
  if (topic !== undefined) return `topic ${topic}`;
  // What was not decrypted cannot be compared, so each counts as its own.
  return body === '' ? randomUUID() : hash('sha1', body);
}
