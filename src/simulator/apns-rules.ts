import type { Exchange } from './exchange.js';

const MAX_PAYLOAD_BYTES = 4096;
const MAX_VOIP_PAYLOAD_BYTES = 5120;
const MAX_COLLAPSE_ID_BYTES = 64;
/** Seconds. Whoever expires a push after this moment (year 2286) wrote milliseconds. */
const IMPLAUSIBLE_EXPIRATION = 10_000_000_000;
const UUID = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const TOPIC = /^[A-Za-z0-9.-]{1,255}$/;

/** What each push type wants after the bundle id. */
const TOPIC_SUFFIX: Readonly<Record<string, string>> = {
  alert: '',
  background: '',
  mdm: '',
  voip: '.voip',
  complication: '.complication',
  fileprovider: '.pushkit.fileprovider',
  location: '.location-query',
  liveactivity: '.push-type.liveactivity',
  pushtotalk: '.voip-ptt',
  widgets: '.push-type.widgets',
  controls: '.push-type.controls',
};

type Headers = Exchange['headers'];

export interface ApnsFault {
  /** Absent: 400. */
  status?: number;
  reason: string;
  violation?: string;
}

function fault(reason: string, violation: string): ApnsFault {
  return { reason, violation };
}

export function findHeaderFault(headers: Headers): ApnsFault | undefined {
  const id = headers['apns-id'];
  if (id !== undefined && !UUID.test(id)) return fault('BadMessageId', 'apns-id is not a UUID');
  const pushType = headers['apns-push-type'];
  if (pushType !== undefined && !Object.hasOwn(TOPIC_SUFFIX, pushType)) {
    return fault('InvalidPushType', `apns-push-type ${pushType}`);
  }
  const priority = headers['apns-priority'];
  if (priority !== undefined && !['10', '5', '1'].includes(priority)) {
    return fault('BadPriority', `apns-priority ${priority}`);
  }
  if (pushType === 'background' && priority !== '5') {
    return fault('BadPriority', 'apns-push-type background needs apns-priority 5');
  }
  const expiration = headers['apns-expiration'];
  if (expiration !== undefined && (!/^\d+$/.test(expiration) || Number(expiration) >= IMPLAUSIBLE_EXPIRATION)) {
    return fault('BadExpirationDate', 'apns-expiration is not a time in seconds');
  }
  const collapseId = headers['apns-collapse-id'];
  if (collapseId !== undefined && headerBytes(collapseId) > MAX_COLLAPSE_ID_BYTES) {
    return fault('BadCollapseId', 'apns-collapse-id is longer than 64 bytes');
  }
  return undefined;
}

/** @param bundleIds those that the sender may push to */
export function findTopicFault(
  topic: string | undefined,
  pushType: string | undefined,
  bundleIds: readonly string[],
): ApnsFault | undefined {
  if (topic === undefined || topic === '') return fault('MissingTopic', 'no apns-topic');
  if (!TOPIC.test(topic)) return fault('BadTopic', 'apns-topic is not a bundle id');
  const suffix = TOPIC_SUFFIX[pushType ?? 'alert'] ?? '';
  if (!topic.endsWith(suffix)) return fault('BadTopic', `apns-topic must end in ${suffix}`);
  if (bundleIds.includes(topic.slice(0, topic.length - suffix.length))) return undefined;
  const isOwnWithSuffix = bundleIds.some((bundleId) => topic.startsWith(`${bundleId}.`));
  return isOwnWithSuffix ? fault('BadTopic', 'apns-topic does not fit apns-push-type') : { reason: 'TopicDisallowed' };
}

/** The bundle id in a topic. */
export function topicBase(topic: string, pushType: string | undefined): string {
  const suffix = TOPIC_SUFFIX[pushType ?? 'alert'] ?? '';
  return topic.slice(0, topic.length - suffix.length);
}

export function findPayloadFault(exchange: Exchange, body: string): ApnsFault | undefined {
  const { headers, bodyBytes } = exchange;
  const limit = headers['apns-push-type'] === 'voip' ? MAX_VOIP_PAYLOAD_BYTES : MAX_PAYLOAD_BYTES;
  if (bodyBytes > limit) {
    return { status: 413, reason: 'PayloadTooLarge', violation: `payload of ${bodyBytes} bytes` };
  }
  if (bodyBytes === 0) return fault('PayloadEmpty', 'no payload');
  // Apple has no reason of its own for a payload that it cannot read.
  if (headers['content-encoding'] !== undefined) return fault('PayloadEmpty', 'payload with content-encoding');
  return isJsonObject(body) ? undefined : fault('PayloadEmpty', 'payload is not a JSON object');
}

/** Node hands over header bytes as Latin-1, one character each. */
function headerBytes(value: string): number {
  return Buffer.byteLength(value, 'latin1');
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
