import { Group, Progress, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { componentTexts } from '../../components/components.i18n.js';
import { Beside } from '../../components/facts.js';
import { Page, Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { Dot, Status } from '../../components/status.js';
import { Id, Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { Actions } from './actions.js';
import { AudienceSection } from './audience-section.js';
import { ContentSection } from './content-section.js';
import { DeliveriesSection } from './deliveries-section.js';
import { FailuresSection } from './failures-section.js';
import { Funnel } from './funnel.js';
import { notificationPageTexts } from './notification.i18n.js';
import { hasEnded, type Notification, notificationQuery } from './notification-queries.js';
import { notificationTexts } from './notifications.i18n.js';
import { TimelineSection } from './timeline-section.js';
import './notification-page.css';

/** One notification: what it is, how far it has come, what went wrong, and every delivery of it. */
export function NotificationPage() {
  const t = useTexts(notificationPageTexts);
  const lists = useTexts(notificationTexts);
  const { app, notification: id } = useParams({ from: '/inside/apps/$app/notifications/$notification' });
  const { data: notification, error, refetch } = useQuery(notificationQuery(app, id));
  if (!notification) {
    return (
      <Page title={lists('notification')} about={<Id id={id} />}>
        {error ? <ProblemAlert error={error} retry={refetch} /> : <Skeleton height={420} />}
      </Page>
    );
  }
  const { content, status, createdAt } = notification;
  return (
    <Page
      title={content.title || content.body || lists('noText')}
      about={
        <Group gap="xs">
          <Status status={status} />
          <span>·</span>
          <Time at={createdAt} />
          <span>·</span>
          <Id id={id} />
        </Group>
      }
      actions={<Actions app={app} notification={notification} />}
    >
      {error && <ProblemAlert error={error} retry={refetch} />}
      <Situation notification={notification} />
      <Beside>
        <Stack>
          <Section title={t('funnel')}>
            <Funnel app={app} notification={notification} />
          </Section>
          <FailuresSection app={app} notification={notification} />
        </Stack>
        <Stack>
          <TimelineSection app={app} notification={notification} />
          <AudienceSection app={app} notification={notification} />
        </Stack>
      </Beside>
      <ContentSection app={app} notification={notification} />
      <DeliveriesSection app={app} notification={notification} />
    </Page>
  );
}

/** What is going on at this moment, and what holds it up; nothing once it has ended. */
function Situation({ notification }: { notification: Notification }) {
  const t = useTexts(notificationPageTexts);
  const words = useTexts(componentTexts);
  const format = useFormats();
  if (hasEnded(notification)) return null;
  const { status, blockedBy, sendAt, expiresAt } = notification;
  return (
    <Stack gap="sm">
      {blockedBy.length > 0 && (
        <div className="card" role="alert">
          <Dot tone="waiting">
            <strong>{t('heldBack')}</strong>
          </Dot>
          {blockedBy.map(({ provider, scope, reason, until }) => (
            <Text size="sm" key={`${provider} ${scope}`}>
              {t(scope === undefined ? 'heldBackBy' : 'heldBackScope', {
                provider: words(provider),
                scope: scope ?? '',
                reason,
                until: format.dateTime(until),
              })}
            </Text>
          ))}
        </div>
      )}
      <Section title={t('progress')}>
        {status === 'scheduled' && <Text size="sm">{t('scheduledFor', { time: format.dateTime(sendAt) })}</Text>}
        {status === 'paused' && <Text size="sm">{t('pausedNow', { time: format.dateTime(expiresAt) })}</Text>}
        {status === 'cancelled' && <Text size="sm">{t('cancelling')}</Text>}
        {status !== 'scheduled' && <Bar notification={notification} />}
      </Section>
    </Stack>
  );
}

function Bar({ notification: { counts, progress, status } }: { notification: Notification }) {
  const t = useTexts(notificationPageTexts);
  const format = useFormats();
  const values = { done: format.number(counts.planned - counts.pending), planned: format.number(counts.planned) };
  const said = t(status === 'planning' ? 'progressPlanning' : 'progressOf', values);
  return (
    <>
      <Progress value={progress * 100} my="xs" size="lg" aria-label={t('progress')} />
      <Group justify="space-between" gap="xs">
        <Text size="sm">{said}</Text>
        <Text size="sm" fw={600}>
          {format.percent(progress)}
        </Text>
      </Group>
      {counts.retried > 0 && (
        <Text size="sm" c="dimmed">
          {t('attemptsRetried', { n: format.number(counts.retried) })}
        </Text>
      )}
    </>
  );
}
