import { hash, randomUUID } from 'node:crypto';
import { findHeaderFault, findPayloadFault, findTopicFault, topicBase } from './apns-rules.js';
import { type ProviderTokens } from './apns-token.js';
import { SANDBOX_CERTIFICATE } from './ca.js';
import type { VirtualClock } from './clock.js';
import type { ClientCertificate, Connection } from './connection.js';
import type { ApnsKey } from './credentials.js';
import type { Exchange, Reply } from './exchange.js';
import { FingerprintCounter } from './fingerprints.js';
import { type Admitted, carillonNotificationId, type Failure, type Judgement, type PushService } from './service.js';
import type { Settings } from './settings.js';
import type { Targets } from './targets.js';

const DEVICE_PATH = '/3/device/';
/** Hex, whole bytes; Apple: "don't make assumptions about device token size". */
const DEVICE_TOKEN = /^(?:[0-9a-fA-F]{2}){1,100}$/;
/** Streams that a connection may open once its first provider token was good. */
export const APNS_MAX_STREAMS = 1000;

export type ApnsEnvironment = 'production' | 'sandbox';

const USUAL: Readonly<Record<number, string>> = {
  400: 'BadDeviceToken',
  403: 'InvalidProviderToken',
  404: 'BadPath',
  405: 'MethodNotAllowed',
  410: 'Unregistered',
  413: 'PayloadTooLarge',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
};

/** What a connection is tied to since its first push. */
interface Binding {
  teamId: string;
  keyId: string;
  badTokens: number;
}

/** APNs: `POST /3/device/{token}`, one instance per environment. */
export class ApnsService implements PushService {
  readonly name = 'apns';
  private readonly bindings = new WeakMap<Connection, Binding>();
  private second = { startMs: 0, counter: new FingerprintCounter() };

  constructor(
    private readonly environment: ApnsEnvironment,
    private readonly tokens: ProviderTokens,
    private readonly targets: Targets,
    private readonly settings: Settings,
    private readonly clock: VirtualClock,
  ) {}

  judge(exchange: Exchange): Judgement {
    if (!exchange.path.startsWith(DEVICE_PATH)) return this.refused(exchange, { status: 404 }, 'no such path');
    if (exchange.method !== 'POST') return this.refused(exchange, { status: 405 }, `method ${exchange.method}`);
    const token = exchange.path.slice(DEVICE_PATH.length);
    if (token === '') return this.refused(exchange, { status: 400, reason: 'MissingDeviceToken' }, 'no device token');
    const duplicate = duplicateHeader(exchange.rawHeaders);
    if (duplicate) return this.refused(exchange, { status: 400, reason: 'DuplicateHeaders' }, `${duplicate} twice`);
    const { certificate } = exchange.connection;
    return certificate ? this.judgeCertificate(exchange, certificate, token) : this.judgeProviderToken(exchange, token);
  }

  accepted(exchange: Exchange): Reply {
    const headers = this.idHeaders(exchange);
    return {
      status: 200,
      headers: this.environment === 'sandbox' ? { ...headers, 'apns-unique-id': randomUUID() } : headers,
    };
  }

  failure(failure: Failure, exchange: Exchange): Reply {
    const reason = failure.reason ?? USUAL[failure.status] ?? 'InternalServerError';
    const timestamp = failure.status === 410 ? { timestamp: failure.timestampMs ?? this.clock.nowMs() } : {};
    if (reason === 'BadDeviceToken') this.countBadToken(exchange.connection);
    return {
      status: failure.status,
      headers: { 'content-type': 'application/json', ...this.idHeaders(exchange), ...failure.headers },
      body: failure.body ?? JSON.stringify({ reason, ...timestamp }),
    };
  }

  private judgeProviderToken(exchange: Exchange, token: string): Judgement {
    const verified = this.tokens.check(exchange.headers['authorization'], this.environment, exchange.connection);
    if ('reason' in verified) {
      const status = verified.reason === 'TooManyProviderTokenUpdates' ? 429 : 403;
      return this.refused(exchange, { status, reason: verified.reason }, verified.violation);
    }
    return this.judgeBinding(exchange, verified.key) ?? this.judgeMessage(exchange, verified.key.bundleIds, token);
  }

  /** Under a certificate `authorization` is ignored and the topic defaults to the certificate's bundle id. */
  private judgeCertificate(exchange: Exchange, certificate: ClientCertificate, token: string): Judgement {
    if (!certificate.isTrusted || certificate.expiresAtMs <= this.clock.nowMs()) {
      return this.refused(exchange, { status: 403, reason: 'BadCertificate' });
    }
    if (this.environment === 'production' && certificate.commonName.startsWith(SANDBOX_CERTIFICATE)) {
      return this.refused(exchange, { status: 403, reason: 'BadCertificateEnvironment' });
    }
    if (!this.bindings.has(exchange.connection)) {
      this.bindings.set(exchange.connection, { teamId: '', keyId: certificate.fingerprint, badTokens: 0 });
    }
    return this.judgeMessage(exchange, [certificate.userId], token);
  }

  /** A connection belongs to the team and key of its first push, and learns then that it may open more streams. */
  private judgeBinding(exchange: Exchange, key: ApnsKey): Judgement | undefined {
    if (!key.environments.includes(this.environment)) {
      return this.refused(exchange, { status: 403, reason: 'BadEnvironmentKeyInToken' });
    }
    const binding = this.bindings.get(exchange.connection);
    if (!binding) {
      this.bindings.set(exchange.connection, { teamId: key.teamId, keyId: key.keyId, badTokens: 0 });
      exchange.connection.setMaxStreams(APNS_MAX_STREAMS);
      return undefined;
    }
    if (binding.teamId !== key.teamId) {
      return this.refused(
        exchange,
        { status: 403, reason: 'InvalidProviderToken' },
        'connection belongs to another team',
      );
    }
    if (binding.keyId === key.keyId) return undefined;
    return this.refused(exchange, { status: 403, reason: 'UnrelatedKeyIdInToken' });
  }

  private judgeMessage(exchange: Exchange, bundleIds: readonly string[], token: string): Judgement {
    const topic = exchange.headers['apns-topic'] ?? (exchange.connection.certificate ? bundleIds[0] : undefined);
    const pushType = exchange.headers['apns-push-type'];
    const body = exchange.body.toString('utf8');
    const fault =
      findHeaderFault(exchange.headers) ??
      findTopicFault(topic, pushType, bundleIds) ??
      findPayloadFault(exchange, body);
    if (fault) {
      const { status = 400, reason, violation } = fault;
      return this.refused(exchange, { status, reason }, violation, body, token);
    }
    if (!DEVICE_TOKEN.test(token)) return this.refused(exchange, { status: 400 }, undefined, body, token);
    const target = token.toLowerCase();
    if (this.isHot(target)) return this.refused(exchange, { status: 429 }, undefined, body, target);
    const bundleId = this.targets.get(target)?.bundleId;
    const isOther = bundleId !== undefined && bundleId !== topicBase(topic ?? '', pushType);
    return {
      kind: 'admitted',
      target,
      notificationKey: notificationKey(exchange, body),
      body,
      mismatch: isOther ? { status: 400, reason: 'DeviceTokenNotForTopic' } : undefined,
    } satisfies Admitted;
  }

  private isHot(target: string): boolean {
    const limit = this.settings.values.apnsDevicePerSecond;
    if (limit === 0) return false;
    const now = this.clock.nowMs();
    if (now - this.second.startMs >= 1000) this.second = { startMs: now, counter: new FingerprintCounter() };
    return this.second.counter.add(target) > limit;
  }

  private countBadToken(connection: Connection): void {
    const binding = this.bindings.get(connection);
    const limit = this.settings.values.apnsBadTokenLimit;
    if (!binding) return;
    binding.badTokens += 1;
    if (limit === 0 || binding.badTokens !== limit) return;
    connection.goaway(0, connection.lastStreamId, JSON.stringify({ reason: 'BadDeviceToken' }));
    connection.closeWhenIdle();
  }

  /** The sender's `apns-id`, or a new one, as Apple echoes it. */
  private idHeaders(exchange: Exchange): Record<string, string> {
    return { 'apns-id': exchange.headers['apns-id'] ?? randomUUID().toUpperCase() };
  }

  private refused(exchange: Exchange, failure: Failure, violation?: string, body?: string, target?: string): Judgement {
    return {
      kind: 'refused',
      reply: this.failure(failure, exchange),
      reason: failure.reason ?? USUAL[failure.status] ?? '',
      violation: violation === undefined ? undefined : `apns: ${violation}`,
      body,
      target,
    };
  }
}

function duplicateHeader(rawHeaders: readonly string[]): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    for (let other = index + 2; other < rawHeaders.length; other += 2) {
      if (rawHeaders[other] === name) return name;
    }
  }
  return undefined;
}

function notificationKey(exchange: Exchange, body: string): string {
  const id = carillonNotificationId(body);
  if (id !== undefined) return id;
  const collapseId = exchange.headers['apns-collapse-id'];
  return collapseId === undefined ? hash('sha1', body) : `collapse ${collapseId}`;
}
