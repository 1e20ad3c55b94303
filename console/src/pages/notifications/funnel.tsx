import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { RouteLink } from '../../components/links.js';
import { Status } from '../../components/status.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { notificationPageTexts } from './notification.i18n.js';
import type { Notification } from './notification-queries.js';

const NOT_ACCEPTED = ['pending', 'failed', 'expired', 'cancelled', 'suppressed', 'unknown'] as const;

/** From planned to opened, and what was lost on the way. */
export function Funnel({ app, notification }: { app: string; notification: Notification }) {
  const t = useTexts(notificationPageTexts);
  const format = useFormats();
  const { counts, id } = notification;
  const { planned, accepted, delivered, opened, live, displayed, dismissed } = counts;
  const lost = NOT_ACCEPTED.filter((status) => counts[status] > 0);
  const more = Object.entries({ live, displayed, dismissed }) as ['live' | 'displayed' | 'dismissed', number][];
  return (
    <>
      <ol className="funnel">
        <Step name={t('planned')} n={planned} of={planned}>
          {lost.map((status) => (
            <RouteLink
              key={status}
              to="/apps/$app/notifications/$notification"
              params={{ app, notification: id }}
              search={{ status }}
              hash="deliveries"
              c="inherit"
              size="sm"
            >
              <Group gap={6} component="span">
                <Status status={status} /> {format.number(counts[status])}
              </Group>
            </RouteLink>
          ))}
        </Step>
        <Step name={t('accepted')} n={accepted} of={planned}>
          {accepted > delivered && t('noReceipt', { n: format.number(accepted - delivered) })}
        </Step>
        <Step name={t('delivered')} n={delivered} of={planned}>
          {delivered > opened && t('notOpened', { n: format.number(delivered - opened) })}
        </Step>
        <Step name={t('opened')} n={opened} of={planned} />
      </ol>
      <Text size="xs" c="dimmed" mt="sm">
        {t('receiptsNote')}
      </Text>
      {more.some(([, n]) => n > 0) && (
        <Text size="sm" mt="xs">
          {more
            .filter(([, n]) => n > 0)
            .map(([name, n]) => `${t(name)}: ${format.number(n)}`)
            .join(' · ')}
        </Text>
      )}
    </>
  );
}

function Step({ name, n, of, children }: { name: string; n: number; of: number; children?: ReactNode }) {
  const format = useFormats();
  const share = of === 0 ? 0 : n / of;
  return (
    <li>
      <div className="funnel-line">
        <span>{name}</span>
        <span>
          <strong>{format.number(n)}</strong> {of > 0 && `· ${format.percent(share)}`}
        </span>
      </div>
      <div className="funnel-bar" aria-hidden="true">
        <div style={{ width: `${Math.min(1, share) * 100}%` }} />
      </div>
      {children && <div className="funnel-lost">{children}</div>}
    </li>
  );
}
