import type { FieldFault } from './fcm-message.js';

/** Seconds: 28 days. */
const MAX_TTL_SECONDS = 2_419_200;
/** Bytes of keys and values, to a token and to a topic. */
const MAX_BYTES = 4096;
const MAX_TOPIC_BYTES = 2048;

/** A message whose names and types are right already. */
export interface FcmMessage {
  token?: string;
  fid?: string;
  topic?: string;
  condition?: string;
  data?: Record<string, string>;
  notification?: Record<string, string>;
  android?: {
    ttl?: string;
    collapseKey?: string;
    collapse_key?: string;
    data?: Record<string, string>;
    notification?: Record<string, unknown>;
  };
  apns?: { payload?: unknown };
  webpush?: { data?: Record<string, string>; notification?: unknown };
}

export type FcmTarget = { kind: 'token' | 'fid' | 'topic' | 'condition'; value: string };

const TARGET_KINDS = ['token', 'fid', 'topic', 'condition'] as const;
const TOPIC = /^[a-zA-Z0-9\-_.~%]+$/;
const TOPIC_IN_CONDITION = /'([^']*)' in topics/g;

/** The one target; a fault says which layer found it: two targets the JSON layer, none FCM itself. */
export function findTarget(message: FcmMessage): FcmTarget | { fault: FieldFault; isFcmError: boolean } {
  const set = TARGET_KINDS.filter((kind) => message[kind] !== undefined && message[kind] !== null);
  const [kind, second] = set;
  if (second !== undefined) {
    const description = `Invalid value at 'message' (oneof), oneof field 'target' is already set. Cannot set '${second}'`;
    return { fault: { field: 'message', description }, isFcmError: false };
  }
  const value = kind === undefined ? '' : (message[kind] ?? '');
  if (kind === undefined || value === '') {
    return { fault: { field: 'message', description: 'Recipient of the message is not set.' }, isFcmError: true };
  }
  return { kind, value };
}

/** What FCM itself refuses in a message whose shape is right. */
export function findMessageFault(message: FcmMessage, target: FcmTarget): FieldFault | undefined {
  const data = { ...message.data, ...message.android?.data };
  for (const key of Object.keys(data)) {
    if (isReserved(key)) return { field: 'message.data', description: `Invalid data payload key: ${key}` };
  }
  const ttl = message.android?.ttl;
  if (ttl !== undefined && ttl !== null) {
    const seconds = Number(ttl.slice(0, -1));
    if (seconds < 0 || seconds > MAX_TTL_SECONDS) {
      return { field: 'android.ttl', description: `Invalid time to live: ${ttl} is not between 0s and 2419200s` };
    }
  }
  if (target.kind === 'topic' && !TOPIC.test(target.value)) {
    return { field: 'message.topic', description: 'Malformed topic name' };
  }
  if (target.kind === 'condition' && !isCondition(target.value)) {
    return { field: 'message.condition', description: 'Invalid condition expression provided.' };
  }
  return undefined;
}

/** @param requestBytes a request no larger than the limit cannot hold a larger message, so nothing is measured then */
export function isTooBig(message: FcmMessage, target: FcmTarget, requestBytes: number): boolean {
  const limit = target.kind === 'topic' || target.kind === 'condition' ? MAX_TOPIC_BYTES : MAX_BYTES;
  if (requestBytes <= limit) return false;
  const android =
    mapBytes({ ...message.data, ...message.android?.data }) +
    mapBytes({ ...message.notification, ...message.android?.notification });
  const apns = message.apns?.payload === undefined ? 0 : Buffer.byteLength(JSON.stringify(message.apns.payload));
  const webpush = mapBytes(message.webpush?.data) + mapBytes(message.webpush?.notification);
  return Math.max(android, apns, webpush) > limit;
}

function isReserved(key: string): boolean {
  return key === 'from' || key === 'message_type' || key.startsWith('google') || key.startsWith('gcm');
}

function isCondition(text: string): boolean {
  const topics = [...text.matchAll(TOPIC_IN_CONDITION)].map(([, topic = '']) => topic);
  const rest = text.replace(TOPIC_IN_CONDITION, 'T').replace(/\s/g, '');
  return (
    topics.length >= 1 && topics.length <= 5 && topics.every((topic) => TOPIC.test(topic)) && /^[T!()&|]+$/.test(rest)
  );
}

function mapBytes(map: unknown): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(map ?? {})) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));
  }
  return bytes;
}
