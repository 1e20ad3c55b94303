import apn from '@parse/node-apn';
import type { Problem } from '../../lib/errors.js';
import { isRecord } from '../answer.js';
import { collapseIdOf } from '../derive.js';
import { fitsEasily } from '../fits-easily.js';
import { deepMerge, headerOverrides, isHeaderValue, overridesOf, shapeProblems } from '../overrides.js';
import type { Message, SendTiming } from '../provider.js';
import { CLICK_URL_KEY, dataProblems, IMAGE_URL_KEY, NOTIFICATION_ID_KEY } from '../reserved-data.js';

/** Bytes. developer.apple.com "Generating a remote notification", read 2026-11. */
const MAX_PAYLOAD_BYTES = 4096;
const MAX_VOIP_PAYLOAD_BYTES = 5120;
/** Bytes. developer.apple.com "Sending notification requests to APNs", read 2026-11. */
const MAX_COLLAPSE_ID_BYTES = 64;

/**
 * What each push type wants behind the bundle id. `mdm` is missing: its topic is the certificate's own.
 *
 * @see https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns (read 2026-11)
 */
const TOPIC_SUFFIXES = {
  alert: '',
  background: '',
  voip: '.voip',
  complication: '.complication',
  fileprovider: '.pushkit.fileprovider',
  location: '.location-query',
  liveactivity: '.push-type.liveactivity',
  pushtotalk: '.voip-ptt',
  widgets: '.push-type.widgets',
  controls: '.push-type.controls',
} as const;
type PushType = keyof typeof TOPIC_SUFFIXES;

const OVERRIDABLE_HEADERS = [
  'apns-push-type',
  'apns-priority',
  'apns-collapse-id',
  'apns-expiration',
  'apns-topic-suffix',
];

/** What the package's type declarations leave out, though its own client calls it. */
type CompilableNotification = Omit<apn.Notification, 'pushType'> & {
  pushType: PushType;
  compile(): string;
  headers(): Record<string, string | number>;
};

/** A push that was compiled once; devices differ in path and `apns-id`. */
export interface ApnsTemplate {
  payload: Buffer;
  /** The topic is more than the credential's bundle id, by the message's choice. */
  hasOwnTopic: boolean;
  maxPayloadBytes: number;
  /** All headers but `apns-id` and `authorization`. */
  headers(timing: Pick<SendTiming, 'ttlSeconds' | 'expiresAt'>): Readonly<Record<string, string>>;
}

/**
 * Compiles with node-apn's `Notification`.
 *
 * @param bundleId the credential's
 */
export function compileApns(message: Message, bundleId: string): ApnsTemplate {
  const overrides = overridesOf(message.overrides, 'overrides.apns').value;
  const header = headerOverrides(overrides);
  const pushType = (header['apns-push-type'] ?? (isShown(message) ? 'alert' : 'background')) as PushType;
  const suffix = header['apns-topic-suffix'] ?? TOPIC_SUFFIXES[pushType];
  const notification = new apn.Notification() as CompilableNotification;
  notification.topic = `${bundleId}${suffix}`;
  notification.pushType = pushType;
  notification.priority = Number(header['apns-priority'] ?? priorityOf(message, pushType));
  notification.collapseId = header['apns-collapse-id'] ?? collapseIdOf(message.collapseKey ?? message.notificationId);
  fill(notification, message, pushType);
  const compiled = JSON.parse(notification.compile()) as Record<string, unknown>;
  const over = isRecord(overrides['payload']) ? overrides['payload'] : {};
  const payload = deepMerge(deepMerge(compiled, over), { [NOTIFICATION_ID_KEY]: message.notificationId });
  const fixed = Object.fromEntries(
    Object.entries(notification.headers()).map(([name, value]) => [name, String(value)]),
  );
  return {
    payload: Buffer.from(JSON.stringify(payload)),
    hasOwnTopic: suffix !== '',
    maxPayloadBytes: pushType === 'voip' ? MAX_VOIP_PAYLOAD_BYTES : MAX_PAYLOAD_BYTES,
    headers: expiring(fixed, Number(header['apns-expiration'] ?? Number.MAX_SAFE_INTEGER)),
  };
}

/** Everything that is wrong with a message for APNs, sizes included. */
export function apnsProblems(message: Message): Problem[] {
  const { value: overrides, problems } = overridesOf(message.overrides, 'overrides.apns');
  problems.push(...dataProblems(message));
  if (message.overrides !== undefined) problems.push(...overrideProblems(overrides));
  if (message.content.data !== undefined && 'aps' in message.content.data) {
    problems.push({ path: 'content.data.aps', message: 'APNs reserves this key' });
  }
  if (problems.length > 0 || fitsEasily(message, MAX_PAYLOAD_BYTES)) return problems;
  const { payload, maxPayloadBytes } = compileApns(message, 'bundle.id');
  if (payload.length > maxPayloadBytes) {
    problems.push({ path: 'content', message: `${payload.length} bytes for APNs, at most ${maxPayloadBytes}` });
  }
  return problems;
}

function isShown({ content }: Message): boolean {
  return [content.title, content.body, content.badge, content.sound].some((part) => part !== undefined);
}

function priorityOf(message: Message, pushType: string): number {
  return pushType !== 'background' && message.priority === 'high' ? 10 : 5;
}

function fill(notification: CompilableNotification, message: Message, pushType: string): void {
  const { content } = message;
  notification.payload = {
    ...content.data,
    ...(content.clickUrl !== undefined && { [CLICK_URL_KEY]: content.clickUrl }),
    ...(content.imageUrl !== undefined && { [IMAGE_URL_KEY]: content.imageUrl }),
    [NOTIFICATION_ID_KEY]: message.notificationId,
  };
  if (pushType === 'background') {
    notification.contentAvailable = true;
    return;
  }
  if (content.title !== undefined || content.body !== undefined) {
    const { title, body = '' } = content;
    notification.alert = { body, ...(title !== undefined && { title }) };
  }
  if (content.badge !== undefined) notification.badge = content.badge;
  if (content.sound !== undefined) notification.sound = content.sound;
  // Lets the app's notification service extension fetch the image before the push is shown.
  if (content.imageUrl !== undefined) notification.mutableContent = true;
}

/** Seconds since 1970; 0 = now or never. Rendered again only when the moment differs from the last one. */
function expiring(fixed: Record<string, string>, capSeconds: number): ApnsTemplate['headers'] {
  let last = -1;
  let headers: Readonly<Record<string, string>> = fixed;
  return ({ ttlSeconds, expiresAt }) => {
    const atSeconds = ttlSeconds === 0 ? 0 : Math.min(Math.floor(expiresAt.getTime() / 1000), capSeconds);
    if (atSeconds !== last) {
      last = atSeconds;
      headers = { ...fixed, 'apns-expiration': String(atSeconds) };
    }
    return headers;
  };
}

function overrideProblems(overrides: Record<string, unknown>): Problem[] {
  const path = 'overrides.apns';
  const problems = shapeProblems(overrides, path);
  if (isRecord(overrides['payload']) && NOTIFICATION_ID_KEY in overrides['payload']) {
    problems.push({ path: `${path}.payload.${NOTIFICATION_ID_KEY}`, message: 'reserved: Carillon sets it' });
  }
  const headers = headerOverrides(overrides);
  for (const [name, value] of Object.entries(headers)) {
    const message = headerProblem(name, value, headers);
    if (message !== undefined) problems.push({ path: `${path}.headers.${name}`, message });
  }
  return problems;
}

function headerProblem(name: string, value: string, headers: Record<string, string>): string | undefined {
  if (!OVERRIDABLE_HEADERS.includes(name)) return `refused; can be set: ${OVERRIDABLE_HEADERS.join(', ')}`;
  if (!isHeaderValue(value)) return 'must be printable ASCII';
  switch (name) {
    case 'apns-push-type':
      return Object.hasOwn(TOPIC_SUFFIXES, value)
        ? undefined
        : `must be one of ${Object.keys(TOPIC_SUFFIXES).join(', ')}`;
    case 'apns-priority':
      if (headers['apns-push-type'] === 'background' && value !== '5') return 'must be 5 for a background push';
      return ['10', '5', '1'].includes(value) ? undefined : 'must be 10, 5 or 1';
    case 'apns-collapse-id': {
      const bytes = Buffer.byteLength(value);
      return bytes <= MAX_COLLAPSE_ID_BYTES ? undefined : `${bytes} bytes, at most ${MAX_COLLAPSE_ID_BYTES}`;
    }
    case 'apns-expiration':
      return /^\d{1,10}$/.test(value) ? undefined : 'must be UNIX seconds';
    default:
      return /^(\.[A-Za-z0-9-]{1,64}){0,4}$/.test(value)
        ? undefined
        : 'must be empty or start with a dot, such as .voip';
  }
}
