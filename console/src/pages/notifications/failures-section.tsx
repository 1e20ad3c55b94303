import { Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMay } from '../../api/session.js';
import { RouteLink } from '../../components/links.js';
import { Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { ProviderName, Status } from '../../components/status.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { Retry } from './actions.js';
import { notificationPageTexts } from './notification.i18n.js';
import { type Failure, failuresQuery, hasEnded, type Notification } from './notification-queries.js';

interface OfNotification {
  app: string;
  notification: Notification;
}

/** What ended otherwise than accepted, by code, with what the code means; nothing where there is none. */
export function FailuresSection({ app, notification }: OfNotification) {
  const t = useTexts(notificationPageTexts);
  const { data = [], error, refetch } = useQuery(failuresQuery(app, notification.id, !hasEnded(notification)));
  if (data.length === 0 && !error) return null;
  return (
    <Section title={t('failures')}>
      {error && <ProblemAlert error={error} retry={refetch} />}
      <ul className="failures">
        {data.map((failure) => (
          <Line
            key={`${failure.provider} ${failure.status} ${failure.code}`}
            app={app}
            notification={notification}
            failure={failure}
          />
        ))}
      </ul>
    </Section>
  );
}

function Line({ app, notification, failure }: OfNotification & { failure: Failure }) {
  const t = useTexts(notificationPageTexts);
  const format = useFormats();
  const mayOperate = useMay('operator');
  const { provider, code, status, deliveries, explanation } = failure;
  const isRetryable = mayOperate && status === 'failed' && hasEnded(notification);
  return (
    <li>
      <Group gap="sm">
        <Status status={status} />
        <RouteLink
          className="mono"
          to="/apps/$app/notifications/$notification"
          params={{ app, notification: notification.id }}
          search={{ status, provider, code }}
          hash="deliveries"
          aria-label={t('showDeliveries', { n: format.number(deliveries), code })}
        >
          {code}
        </RouteLink>
        <Text size="sm" c="dimmed">
          <ProviderName provider={provider} />
        </Text>
      </Group>
      <Group gap="sm" align="flex-start">
        <Text fw={600}>{format.number(deliveries)}</Text>
        {isRetryable && <Retry app={app} id={notification.id} code={code} deliveries={deliveries} />}
      </Group>
      <div className="failure-words">
        <Text size="sm">{explanation.meaning}</Text>
        {explanation.nextSteps.map((step) => (
          <Text size="sm" c="dimmed" key={step}>
            {step}
          </Text>
        ))}
      </div>
    </li>
  );
}
