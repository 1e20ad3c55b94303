import type { Exchange, Reply } from './exchange.js';

export const LISTENER_NAMES = [
  'fcm',
  'apns',
  'apnsSandbox',
  'webpushFcm',
  'webpushMozilla',
  'webpushApple',
  'webpushWns',
] as const;
export type ListenerName = (typeof LISTENER_NAMES)[number];

/** `oauth` is FCM's token endpoint: same listener, its own counters and rules. */
export type ServiceName = 'fcm' | 'oauth' | 'apns' | 'webpush';

/** A failure to be said in a service's own words. */
export interface Failure {
  status: number;
  /** The service's own code; absent: the usual one for that status. Each service lists what it knows. */
  reason?: string | undefined;
  /** Sent as it is, instead of the service's own form. */
  body?: string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  /** APNs, 410: since when the token is dead, milliseconds. */
  timestampMs?: number | undefined;
}

/** A request that broke the protocol or lacks permission; answered before any rule or target state is looked at. */
export interface Refused {
  kind: 'refused';
  reply: Reply;
  reason: string;
  target?: string | undefined;
  body?: string | undefined;
  /** Absent: a refusal that a correct sender may run into. Else what the sender did wrong. */
  violation?: string | undefined;
}

/** A request that the service would take. */
export interface Admitted {
  kind: 'admitted';
  target: string;
  /** Equal for two requests that carry the same notification. */
  notificationKey: string;
  /** The message in readable form. */
  body: string;
  /** What is bound to the target elsewhere, such as another project: the answer then. */
  mismatch?: Failure | undefined;
  /** Why a success is no accepted message: FCM's `validate_only`, a token that was issued. */
  unaccepted?: string | undefined;
}

export type Judgement = Refused | Admitted;

/** One provider's rules and words. Stateless towards the pipeline; knows neither rules nor target states. */
export interface PushService {
  readonly name: ServiceName;
  judge(exchange: Exchange): Judgement;
  /** The answer to a message that was taken. */
  accepted(exchange: Exchange, admitted: Admitted): Reply;
  failure(failure: Failure, exchange: Exchange): Reply;
}

/** The code under which a failure is counted. */
export function failureReason(failure: Failure): string {
  return failure.reason ?? String(failure.status);
}

/** The notification id that Carillon puts into every payload; found by text, so that its depth does not matter. */
export function carillonNotificationId(text: string): string | undefined {
  const at = text.indexOf('"carillonNotificationId"');
  if (at < 0) return undefined;
  const open = text.indexOf('"', at + 24);
  const close = text.indexOf('"', open + 1);
  return open < 0 || close < 0 ? undefined : text.slice(open + 1, close);
}
