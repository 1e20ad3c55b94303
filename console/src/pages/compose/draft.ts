/** What is being written, as the form holds it, and the request that it makes. Pure. */
import type { paths } from '../../api/schema.js';

export type NotificationBody = paths['/v1/notifications']['post']['requestBody']['content']['application/json'];
export type Options = NonNullable<NotificationBody['options']>;
export type Overrides = NonNullable<NotificationBody['overrides']>;
type View = paths['/v1/notifications/{id}']['get']['responses'][200]['content']['application/json'];

/** Audiences that are named one per line. */
export const NAMED = ['userIds', 'deviceIds', 'topics', 'tags'] as const;
export type Named = (typeof NAMED)[number];
export const PROVIDERS = ['fcm', 'apns', 'webpush'] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** Of the notification with this id, those who failed with one of these codes; all who failed, without codes. */
export interface FailedOf {
  failedOf: string;
  codes?: string[];
}

export interface Draft {
  audience: Named | 'all' | 'failedOf';
  /** Those whom an earlier notification failed to reach; only a draft like one that was sent to them has it. */
  failed: FailedOf | undefined;
  /** One per line; tags as `key=value`. */
  names: Readonly<Record<Named, string>>;
  title: string;
  body: string;
  imageUrl: string;
  clickUrl: string;
  badge: string;
  sound: string;
  data: readonly { key: string; value: string }[];
  lane: string;
  ttlSeconds: string;
  priority: string;
  collapseKey: string;
  semantics: string;
  realtime: string;
  realtimeWaitSeconds: string;
  /** As `<input type="datetime-local">` has it, in the reader's own zone; empty: at once. */
  sendAt: string;
  /** JSON texts. */
  overrides: Readonly<Record<ProviderName, string>>;
}

/** What is wrong before the API is asked: the path of a field, and which words say it. */
export type LocalProblem = { path: string; text: 'notJson' | 'notTag' | 'notNumber' | 'notTime' };

export const EMPTY: Draft = {
  audience: 'userIds',
  failed: undefined,
  names: { userIds: '', deviceIds: '', topics: '', tags: '' },
  title: '',
  body: '',
  imageUrl: '',
  clickUrl: '',
  badge: '',
  sound: '',
  data: [],
  lane: '',
  ttlSeconds: '',
  priority: '',
  collapseKey: '',
  semantics: '',
  realtime: '',
  realtimeWaitSeconds: '',
  sendAt: '',
  overrides: { fcm: '', apns: '', webpush: '' },
};

/** A draft with the audience of a link, such as "send to this device". */
export function draftFor({ userId, deviceId }: { userId?: string; deviceId?: string }): Draft {
  if (deviceId !== undefined)
    return { ...EMPTY, audience: 'deviceIds', names: { ...EMPTY.names, deviceIds: deviceId } };
  return { ...EMPTY, names: { ...EMPTY.names, userIds: userId ?? '' } };
}

/** A draft like an earlier notification; its time is not taken over. */
export function draftLike({ audience, content, options, overrides, lane }: View): Draft {
  const text = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
  const { imageUrl, clickUrl, badge, sound, data = {} } = content;
  return {
    ...EMPTY,
    ...audienceOf(audience),
    title: text(content.title),
    body: text(content.body),
    imageUrl: text(imageUrl),
    clickUrl: text(clickUrl),
    badge: text(badge),
    sound: text(sound),
    data: Object.entries(data).map(([key, value]) => ({ key, value })),
    lane,
    ttlSeconds: text(options['ttlSeconds']),
    priority: text(options['priority']),
    collapseKey: text(options['collapseKey']),
    semantics: text(options['semantics']),
    realtime: text(options['realtime']),
    realtimeWaitSeconds: text(options['realtimeWaitSeconds']),
    overrides: {
      fcm: jsonText(overrides['fcm']),
      apns: jsonText(overrides['apns']),
      webpush: jsonText(overrides['webpush']),
    },
  };
}

function audienceOf(audience: Readonly<Record<string, unknown>>): Pick<Draft, 'audience' | 'names' | 'failed'> {
  const { failedOf, codes } = audience;
  if (typeof failedOf === 'string') {
    const failed = { failedOf, ...(Array.isArray(codes) && { codes: codes.map(String) }) };
    return { audience: 'failedOf', names: EMPTY.names, failed };
  }
  if (audience['all'] === true) return { audience: 'all', names: EMPTY.names, failed: undefined };
  const kind = NAMED.find((each) => audience[each] !== undefined) ?? 'userIds';
  const given = audience[kind] ?? [];
  const lines = Array.isArray(given)
    ? given.map(String)
    : Object.entries(given).map(([key, value]) => `${key}=${value}`);
  return { audience: kind, names: { ...EMPTY.names, [kind]: lines.join('\n') }, failed: undefined };
}

function jsonText(value: unknown): string {
  return value === undefined || value === null ? '' : JSON.stringify(value, null, 2);
}

/** The names of a text, each once. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== ''))];
}

/** What a draft says to the API. `body` is missing while there is no audience or no content. */
export function requestOf(draft: Draft): { body?: NotificationBody; problems: LocalProblem[] } {
  const problems: LocalProblem[] = [];
  const audience = audienceIn(draft, problems);
  const content = contentIn(draft, problems);
  const options = optionsIn(draft, problems);
  const overrides = overridesIn(draft, problems);
  if (audience === undefined || Object.keys(content).length === 0 || problems.length > 0) return { problems };
  return {
    problems,
    body: {
      audience,
      content,
      ...(Object.keys(options).length > 0 && { options }),
      ...(Object.keys(overrides).length > 0 && { overrides }),
    },
  };
}

/** Whether two requests say the same; made by {@link requestOf}, so in the same order. */
export function isSame(one: NotificationBody | undefined, other: NotificationBody | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

export function audienceIn(draft: Draft, problems: LocalProblem[] = []): NotificationBody['audience'] | undefined {
  const { audience, names, failed } = draft;
  if (audience === 'all') return { all: true };
  if (audience === 'failedOf') return failed;
  const lines = linesOf(names[audience]);
  if (lines.length === 0) return undefined;
  if (audience !== 'tags') return { [audience]: lines };
  if (!lines.every((line) => line.indexOf('=') > 0)) {
    problems.push({ path: 'audience.tags', text: 'notTag' });
    return undefined;
  }
  const tags = lines.map((line) => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1).trim()]);
  return { tags: Object.fromEntries(tags) };
}

/** Of a draft without audience too: what the preview shows. */
export function contentIn(draft: Draft, problems: LocalProblem[] = []): NotificationBody['content'] {
  const { title, body, imageUrl, clickUrl, badge, sound } = draft;
  const data = Object.fromEntries(draft.data.filter(({ key }) => key !== '').map(({ key, value }) => [key, value]));
  const count = numberIn('content.badge', badge, problems);
  return {
    ...(title !== '' && { title }),
    ...(body !== '' && { body }),
    ...(imageUrl.trim() !== '' && { imageUrl: imageUrl.trim() }),
    ...(clickUrl.trim() !== '' && { clickUrl: clickUrl.trim() }),
    ...(count !== undefined && { badge: count }),
    ...(sound !== '' && { sound }),
    ...(Object.keys(data).length > 0 && { data }),
  };
}

export function optionsIn(draft: Draft, problems: LocalProblem[] = []): Options {
  const ttlSeconds = numberIn('options.ttlSeconds', draft.ttlSeconds, problems);
  const isFirst = draft.realtime === 'first';
  const waitSeconds = isFirst
    ? numberIn('options.realtimeWaitSeconds', draft.realtimeWaitSeconds, problems)
    : undefined;
  const sendAt = draft.sendAt === '' ? undefined : new Date(draft.sendAt);
  if (sendAt && Number.isNaN(sendAt.getTime())) problems.push({ path: 'options.sendAt', text: 'notTime' });
  return {
    ...(draft.lane !== '' && { lane: draft.lane as NonNullable<Options['lane']> }),
    ...(ttlSeconds !== undefined && { ttlSeconds }),
    ...(draft.priority !== '' && { priority: draft.priority as NonNullable<Options['priority']> }),
    ...(draft.collapseKey !== '' && { collapseKey: draft.collapseKey }),
    ...(draft.semantics !== '' && { semantics: draft.semantics as NonNullable<Options['semantics']> }),
    ...(draft.realtime !== '' && { realtime: draft.realtime as NonNullable<Options['realtime']> }),
    ...(waitSeconds !== undefined && { realtimeWaitSeconds: waitSeconds }),
    ...(sendAt && !Number.isNaN(sendAt.getTime()) && { sendAt: sendAt.toISOString() }),
  };
}

function numberIn(path: string, text: string, problems: LocalProblem[]): number | undefined {
  if (text.trim() === '') return undefined;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  problems.push({ path, text: 'notNumber' });
  return undefined;
}

export function overridesIn(draft: Draft, problems: LocalProblem[] = []): Overrides {
  const overrides: Overrides = {};
  for (const provider of PROVIDERS) {
    const text = draft.overrides[provider].trim();
    if (text === '') continue;
    const value = jsonObject(text);
    if (value) overrides[provider] = value;
    else problems.push({ path: `overrides.${provider}`, text: 'notJson' });
  }
  return overrides;
}

function jsonObject(text: string): { [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
