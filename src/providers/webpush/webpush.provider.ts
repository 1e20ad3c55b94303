import type { Clock } from '../../lib/clock.js';
import type { Problem } from '../../lib/errors.js';
import type { Transport } from '../../transport/transport.js';
import type { Endpoints } from '../endpoints.js';
import type {
  Credential,
  Message,
  Outcome,
  ParsedCredential,
  ParsedToken,
  PreviewRequest,
  Provider,
  Sender,
  SenderOptions,
} from '../provider.js';
import { parseVapidCredential, publicKeyOf, VapidHeaders, vapidSecret } from './webpush.auth.js';
import { EphemeralKeys, Salts } from './webpush.keys.js';
import { compileWebPush, webpushProblems } from './webpush.payload.js';
import { type SenderParts, WebPushSender } from './webpush.sender.js';
import { PushServices } from './webpush.services.js';
import { parseSubscription } from './webpush.token.js';
import { Turns } from './webpush.turns.js';

/** Web Push (RFC 8030, 8291, 8292): one encrypted request per browser. */
export class WebPushProvider implements Provider {
  readonly name = 'webpush';
  readonly hasDryRun = false;
  private readonly parts: SenderParts;

  constructor(
    transport: Transport,
    clock: Clock,
    endpoints: Endpoints,
    allowed: { allowedHosts: readonly string[]; allowInsecure: boolean },
  ) {
    this.parts = {
      transport,
      clock,
      vapid: new VapidHeaders(clock),
      services: new PushServices(endpoints, allowed),
      keys: new EphemeralKeys(),
      salts: new Salts(),
      turns: new Turns(),
    };
  }

  parseToken(input: unknown, { vapidPublicKey }: { vapidPublicKey?: string }): ParsedToken {
    return parseSubscription(input, vapidPublicKey, this.parts.services.rules);
  }

  parseCredential(input: unknown): ParsedCredential {
    return parseVapidCredential(input);
  }

  /** No push service answers for a key alone, so the pair is checked against itself: it belongs together and signs. */
  async verifyCredential(credential: Credential): Promise<Outcome> {
    const secret = vapidSecret(credential);
    const isPair = publicKeyOf(Buffer.from(secret.privateKey, 'base64url')) === secret.publicKey;
    if (!isPair) return { kind: 'credential_invalid', code: 'vapid_pair_mismatch' };
    const header = this.parts.vapid.header(secret, 'https://push.invalid');
    if (header === undefined) return { kind: 'credential_invalid', code: 'vapid_key_unusable' };
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
    return this.parts.services.originOf(token);
  }

  openSender(options: SenderOptions): Sender {
    return new WebPushSender(this.parts, options);
  }

  async close(): Promise<void> {
    // Connections belong to the transport.
    this.parts.keys.close();
  }
}
