import { hash } from 'node:crypto';
import type { VirtualClock } from './clock.js';
import type { Credentials } from './credentials.js';
import type { Exchange, Reply } from './exchange.js';
import { fcmFailure, fcmFieldError, JSON_HEADERS } from './fcm-errors.js';
import { findShapeFault } from './fcm-message.js';
import type { OauthService } from './fcm-oauth.js';
import { FcmQuota } from './fcm-quota.js';
import { type FcmMessage, type FcmTarget, findMessageFault, findTarget, isTooBig } from './fcm-rules.js';
import type { Random } from './random.js';
import { type Admitted, carillonNotificationId, type Failure, type Judgement, type PushService } from './service.js';
import type { Settings } from './settings.js';
import type { Targets } from './targets.js';

const PATH = /^\/v1\/projects\/([^/?]+)\/messages:send$/;
const TOKEN = /^[A-Za-z0-9_:-]{1,4096}$/;
const DRY_RUN = 'dry run';
const HTML_404: Reply = {
  status: 404,
  headers: { 'content-type': 'text/html; charset=UTF-8' },
  body: '<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n<p><b>404.</b> <ins>That’s an error.</ins>\n',
};

interface SendRequest {
  validateOnly?: boolean;
  validate_only?: boolean;
  message?: FcmMessage;
}

/** FCM HTTP v1: `POST /v1/projects/{project}/messages:send`. */
export class FcmService implements PushService {
  readonly name = 'fcm';
  private readonly quota: FcmQuota;
  private readonly projects = new Map<string, true>();
  private messageCount = 0;

  constructor(
    private readonly credentials: Credentials,
    private readonly oauth: OauthService,
    private readonly targets: Targets,
    settings: Settings,
    private readonly clock: VirtualClock,
    private readonly random: Random,
  ) {
    this.quota = new FcmQuota(settings, clock);
  }

  judge(exchange: Exchange): Judgement {
    const project = PATH.exec(exchange.path)?.[1];
    if (project === undefined || exchange.method !== 'POST') {
      return { kind: 'refused', reply: HTML_404, reason: 'NO_ROUTE', violation: `fcm: no route ${exchange.method}` };
    }
    if (!this.isProject(project)) return this.refused({ status: 404, reason: 'NOT_FOUND' });
    return this.judgeAuth(exchange, project) ?? this.judgeBody(exchange, project);
  }

  accepted(exchange: Exchange, admitted: Admitted): Reply {
    this.messageCount += 1;
    const id =
      admitted.unaccepted === DRY_RUN
        ? 'fake_message_id'
        : `0:${this.clock.nowMs()}${this.messageCount}%${Math.floor(this.random.next() * 2 ** 32).toString(16)}`;
    // The path is `/v1/` + the name's beginning + `:send`.
    const name = `${exchange.path.slice(4, -5)}/${id}`;
    return { status: 200, headers: JSON_HEADERS, body: `{\n  "name": "${name}"\n}\n` };
  }

  failure(failure: Failure): Reply {
    return fcmFailure(failure, this.random);
  }

  reset(): void {
    this.quota.reset();
  }

  private judgeAuth(exchange: Exchange, project: string): Judgement | undefined {
    const [scheme = '', token = ''] = (exchange.headers['authorization'] ?? '').split(' ');
    if (scheme.toLowerCase() !== 'bearer' || token === '') {
      return this.refused({ status: 401, reason: 'UNAUTHENTICATED' }, 'fcm: no bearer token');
    }
    const grant = this.oauth.grantOf(token);
    if (!grant || grant.expiresAtMs <= this.clock.nowMs())
      return this.refused({ status: 401, reason: 'UNAUTHENTICATED' });
    return grant.projectId === project ? undefined : this.refused({ status: 403, reason: 'PERMISSION_DENIED' });
  }

  private judgeBody(exchange: Exchange, project: string): Judgement {
    const text = exchange.body.toString('utf8');
    const request = parse(text);
    if (request === undefined) {
      return this.refusedField('', 'Invalid JSON payload received. Unexpected token.', false, text);
    }
    const shape = findShapeFault(request);
    if (shape) return this.refusedField(shape.field, shape.description, false, text);
    const { message = {}, validateOnly, validate_only } = request as SendRequest;
    const target = findTarget(message);
    if ('fault' in target) {
      return this.refusedField(target.fault.field, target.fault.description, target.isFcmError, text);
    }
    const fault = findMessageFault(message, target);
    if (fault) return this.refusedField(fault.field, fault.description, true, text);
    if (isTooBig(message, target, exchange.bodyBytes)) {
      return this.refused({ status: 400, reason: 'TOO_BIG' }, 'fcm: message too big', text, target.value);
    }
    return this.judgeTarget(target, project, message, text, validateOnly === true || validate_only === true);
  }

  private judgeTarget(
    target: FcmTarget,
    project: string,
    message: FcmMessage,
    text: string,
    isDryRun: boolean,
  ): Judgement {
    const isDevice = target.kind === 'token' || target.kind === 'fid';
    const throttled = this.quota.take(project, isDevice ? target.value : undefined);
    if (throttled) return this.refused({ status: 429, reason: throttled }, undefined, text, target.value);
    if (isDevice && !TOKEN.test(target.value)) {
      const reason = this.random.next() < 0.5 ? 'MALFORMED_TOKEN' : 'MALFORMED_TOKEN_FIELD';
      return this.refused({ status: 400, reason }, undefined, text, target.value);
    }
    const owner = this.targets.get(target.value)?.projectId;
    return {
      kind: 'admitted',
      target: isDevice ? target.value : `/${target.kind}s/${target.value}`,
      notificationKey: notificationKey(message, text, target.value),
      body: text,
      mismatch: owner === undefined || owner === project ? undefined : { status: 403, reason: 'SENDER_ID_MISMATCH' },
      unaccepted: isDryRun ? DRY_RUN : undefined,
    };
  }

  private refused(failure: Failure, violation?: string, body?: string, target?: string): Judgement {
    const reason = failure.reason ?? '';
    return { kind: 'refused', reply: fcmFailure(failure, this.random), reason, violation, body, target };
  }

  private refusedField(field: string, description: string, isFcmError: boolean, body: string): Judgement {
    const reply = fcmFieldError(field, description, isFcmError, this.random);
    return { kind: 'refused', reply, reason: 'INVALID_ARGUMENT', violation: `fcm: ${field}: ${description}`, body };
  }

  private isProject(projectId: string): boolean {
    if (this.projects.has(projectId)) return true;
    const isKnown = this.credentials.fcmProjects.some((project) => project.projectId === projectId);
    if (isKnown) this.projects.set(projectId, true);
    return isKnown;
  }
}

function notificationKey(message: FcmMessage, text: string, target: string): string {
  const id = carillonNotificationId(text);
  if (id !== undefined) return id;
  const collapseKey =
    message.android?.collapseKey ?? message.android?.collapse_key ?? message.android?.notification?.['tag'];
  return collapseKey === undefined ? hash('sha1', text.replace(target, '')) : `collapse ${String(collapseKey)}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
