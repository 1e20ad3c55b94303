import type { formatsOf } from '../../i18n/format.js';
import type { useTexts } from '../../i18n/language.js';
import type { notificationTexts } from './notifications.i18n.js';

/** Whom a notification is meant for. What is stored may be of a later version than this console. */
export type Audience =
  | { kind: 'all' }
  | { kind: 'userIds' | 'deviceIds' | 'topics'; names: readonly string[] }
  | { kind: 'tags'; tags: readonly (readonly [name: string, value: string])[] }
  | { kind: 'failedOf'; notification: string; codes: readonly string[] }
  | { kind: 'other' };

type Words = ReturnType<typeof useTexts<(typeof notificationTexts)['en']>>;

/** Names that a sentence takes before it counts them. */
const FEW = 3;

const strings = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : undefined;

export function audienceOf(stored: Readonly<Record<string, unknown>>): Audience {
  if (stored['all'] === true) return { kind: 'all' };
  for (const kind of ['userIds', 'deviceIds', 'topics'] as const) {
    const names = strings(stored[kind]);
    if (names) return { kind, names };
  }
  const { tags, failedOf } = stored;
  if (typeof tags === 'object' && tags !== null) {
    return { kind: 'tags', tags: Object.entries(tags).map(([name, value]) => [name, String(value)]) };
  }
  if (typeof failedOf === 'string') {
    return { kind: 'failedOf', notification: failedOf, codes: strings(stored['codes']) ?? [] };
  }
  return { kind: 'other' };
}

/** An audience as one sentence without a full stop. */
export function audienceInWords(t: Words, format: ReturnType<typeof formatsOf>, audience: Audience): string {
  switch (audience.kind) {
    case 'all':
    case 'other':
      return t(audience.kind === 'all' ? 'audienceAll' : 'audienceOther');
    case 'tags':
      return t('audienceTags', { tags: audience.tags.map(([name, value]) => `${name} = ${value}`).join(', ') });
    case 'failedOf': {
      const values = { id: audience.notification.slice(0, 8), codes: audience.codes.join(', ') };
      return t(audience.codes.length > 0 ? 'audienceFailedWith' : 'audienceFailed', values);
    }
    default: {
      const { kind, names } = audience;
      if (names.length > FEW) return t(`${kind}Many`, { n: format.number(names.length) });
      return t(names.length === 1 ? `${kind}One` : `${kind}Few`, { names: names.join(', ') });
    }
  }
}
