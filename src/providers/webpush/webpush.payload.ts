import type { Problem } from '../../lib/errors.js';
import { isRecord } from '../answer.js';
import { shortDigest } from '../derive.js';
import { deepMerge, headerOverrides, overridesOf, shapeProblems } from '../overrides.js';
import type { Message } from '../provider.js';
import { dataProblems, NOTIFICATION_ID_KEY } from '../reserved-data.js';

/** Bytes: 4096 that every push service takes, less the 103 of RFC 8291's header, delimiter and tag. */
const MAX_PLAINTEXT_BYTES = 3993;
/** Characters of the URL-safe base64 alphabet. RFC 8030 §5.4. */
const MAX_TOPIC_LENGTH = 32;
const URGENCIES = ['very-low', 'low', 'normal', 'high'];

/** A message that was built once; encryption is per device. */
export interface WebPushTemplate {
  /** What the service worker gets, as JSON text. */
  plaintext: Buffer;
  topic: string;
  urgency: string;
  /** Seconds that the overrides allow at most. */
  maxTtlSeconds: number;
}

/** Builds the service worker's JSON: `{ title, body, image, url, badge, sound, tag, data: { carillonNotificationId, … } }`. */
export function compileWebPush(message: Message): WebPushTemplate {
  const { content, notificationId } = message;
  const overrides = overridesOf(message.overrides, 'overrides.webpush').value;
  const header = headerOverrides(overrides);
  const payload = deepMerge(
    {
      ...(content.title !== undefined && { title: content.title }),
      ...(content.body !== undefined && { body: content.body }),
      ...(content.imageUrl !== undefined && { image: content.imageUrl }),
      ...(content.clickUrl !== undefined && { url: content.clickUrl }),
      ...(content.badge !== undefined && { badge: content.badge }),
      ...(content.sound !== undefined && { sound: content.sound }),
      // What a service worker replaces by; without one, the notification's id serves.
      ...(message.collapseKey !== undefined && { tag: message.collapseKey }),
      data: { ...content.data },
    },
    isRecord(overrides['payload']) ? overrides['payload'] : {},
  );
  const complete = deepMerge(payload, { data: { [NOTIFICATION_ID_KEY]: notificationId } });
  return {
    plaintext: Buffer.from(JSON.stringify(complete)),
    topic: header['topic'] ?? shortDigest(message.collapseKey ?? notificationId, MAX_TOPIC_LENGTH),
    urgency: header['urgency'] ?? message.priority,
    maxTtlSeconds: Number(header['ttl'] ?? Number.MAX_SAFE_INTEGER),
  };
}

/** Everything that is wrong with a message for Web Push, sizes included. */
export function webpushProblems(message: Message): Problem[] {
  const { value: overrides, problems } = overridesOf(message.overrides, 'overrides.webpush');
  problems.push(...dataProblems(message), ...overrideProblems(overrides));
  if (problems.length > 0) return problems;
  const bytes = compileWebPush(message).plaintext.length;
  if (bytes > MAX_PLAINTEXT_BYTES) {
    problems.push({ path: 'content', message: `${bytes} bytes for Web Push, at most ${MAX_PLAINTEXT_BYTES}` });
  }
  return problems;
}

function overrideProblems(overrides: Record<string, unknown>): Problem[] {
  const path = 'overrides.webpush';
  const problems = shapeProblems(overrides, path);
  const data = isRecord(overrides['payload']) ? overrides['payload']['data'] : undefined;
  if (data !== undefined && !isRecord(data))
    problems.push({ path: `${path}.payload.data`, message: 'must be an object' });
  if (isRecord(data) && NOTIFICATION_ID_KEY in data) {
    problems.push({ path: `${path}.payload.data.${NOTIFICATION_ID_KEY}`, message: 'reserved: Carillon sets it' });
  }
  for (const [name, value] of Object.entries(headerOverrides(overrides))) {
    const message = headerProblem(name, value);
    if (message !== undefined) problems.push({ path: `${path}.headers.${name}`, message });
  }
  return problems;
}

function headerProblem(name: string, value: string): string | undefined {
  switch (name) {
    case 'urgency':
      return URGENCIES.includes(value) ? undefined : `must be one of ${URGENCIES.join(', ')}`;
    case 'topic':
      return /^[A-Za-z0-9_-]{1,32}$/.test(value)
        ? undefined
        : `must be 1 to ${MAX_TOPIC_LENGTH} letters, digits, - or _`;
    case 'ttl':
      return /^\d{1,10}$/.test(value) ? undefined : 'must be whole seconds';
    default:
      return 'refused; can be set: Urgency, Topic, TTL';
  }
}
