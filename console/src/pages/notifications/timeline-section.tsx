import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { componentTexts } from '../../components/components.i18n.js';
import { Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import type { Tone } from '../../components/status.js';
import { Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { notificationPageTexts } from './notification.i18n.js';
import { hasEnded, type Notification, PROVIDERS, type TimelineItem, timelineQuery } from './notification-queries.js';

const TONES: Readonly<Partial<Record<TimelineItem['kind'], Tone>>> = {
  first_attempt: 'info',
  resumed: 'info',
  gate_opened: 'info',
  paused: 'waiting',
  gate_closed: 'waiting',
  provider_stopped: 'problem',
  expired: 'problem',
  completed: 'ok',
};

/** What happened to a notification as a whole, and by whose will. */
export function TimelineSection({ app, notification }: { app: string; notification: Notification }) {
  const t = useTexts(notificationPageTexts);
  const { data, error, refetch } = useQuery(timelineQuery(app, notification.id, !hasEnded(notification)));
  return (
    <Section title={t('timeline')}>
      {error && <ProblemAlert error={error} retry={refetch} />}
      {!data && !error && <Skeleton height={160} />}
      {data && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
        <ol className="course" tabIndex={0} aria-label={t('timeline')}>
          {data.map((item, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two may happen at the same moment, and none ever moves
            <Item key={i} item={item} />
          ))}
        </ol>
      )}
    </Section>
  );
}

function Item({ item }: { item: TimelineItem }) {
  const t = useTexts(notificationPageTexts);
  const what = useWhat();
  const [kind, id = ''] = item.by?.split(':') ?? [];
  return (
    <li data-tone={TONES[item.kind]}>
      {what(item)}
      <Text size="xs" c="dimmed" component="div">
        <Time at={item.at} exact />
        {kind && ` · ${t('by', { who: t(kind === 'key' ? 'byKey' : 'byAccount', { id: id.slice(0, 8) }) })}`}
      </Text>
    </li>
  );
}

/** @returns a sentence for what happened */
function useWhat() {
  const t = useTexts(notificationPageTexts);
  const words = useTexts(componentTexts);
  const format = useFormats();
  return ({ kind, detail = {} }: TimelineItem): string => {
    const values = Object.entries(detail).map(([name, value]) => {
      if (name === 'sendAt') return [name, format.dateTime(String(value))];
      const provider = PROVIDERS.find((each) => name === 'provider' && each === value);
      if (provider) return [name, words(provider)];
      return [name, typeof value === 'number' ? format.number(value) : value];
    });
    if (kind === 'completed' && detail['deliveries'] === 0) return t('at_completedEmpty');
    return t(`at_${kind}`, Object.fromEntries(values));
  };
}
