import { Skeleton, Stack, Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { componentTexts } from '../../components/components.i18n.js';
import { Fact, Facts } from '../../components/facts.js';
import { Nothing, Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { PushPreview } from '../../components/push-preview.js';
import { Code } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { applicationsQuery } from '../../shell/applications.js';
import { notificationPageTexts } from './notification.i18n.js';
import { type Notification, PROVIDERS, requestsQuery } from './notification-queries.js';

interface OfNotification {
  app: string;
  notification: Notification;
}

const LOOKS = ['ios', 'android', 'browser'] as const;

/** What people see, what is in it, and what the providers get. */
export function ContentSection({ app, notification }: OfNotification) {
  const t = useTexts(notificationPageTexts);
  return (
    <Section title={t('content')}>
      <Tabs defaultValue="looks" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="looks">{t('looks')}</Tabs.Tab>
          <Tabs.Tab value="requests">{t('requests')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="looks">
          <Looks app={app} notification={notification} />
        </Tabs.Panel>
        <Tabs.Panel value="requests">
          <Requests app={app} notification={notification} />
        </Tabs.Panel>
      </Tabs>
    </Section>
  );
}

function Looks({ app, notification: { content } }: OfNotification) {
  const t = useTexts(notificationPageTexts);
  const { data: applications = [] } = useQuery(applicationsQuery);
  const name = applications.find(({ id }) => id === app)?.name ?? 'Carillon';
  const { title, body, imageUrl, clickUrl, badge, sound, data } = content;
  const isSilent = title === undefined && body === undefined;
  return (
    <Stack>
      {isSilent && <Text size="sm">{t('silent')}</Text>}
      {!isSilent && (
        <div className="looks">
          {LOOKS.map((looks) => (
            <figure key={looks} style={{ margin: 0 }}>
              <Text component="figcaption" size="xs" c="dimmed" fw={600} mb={4}>
                {t(looks)}
              </Text>
              <PushPreview looks={looks} app={name} content={{ title, body, imageUrl }} />
            </figure>
          ))}
        </div>
      )}
      <Facts>
        {clickUrl !== undefined && <Fact name={t('clickUrl')}>{clickUrl}</Fact>}
        {imageUrl !== undefined && <Fact name={t('imageUrl')}>{imageUrl}</Fact>}
        {badge !== undefined && <Fact name={t('badge')}>{badge}</Fact>}
        {sound !== undefined && <Fact name={t('sound')}>{sound}</Fact>}
      </Facts>
      {data !== undefined && <Code value={data} label={t('data')} />}
    </Stack>
  );
}

function Requests({ app, notification }: OfNotification) {
  const t = useTexts(notificationPageTexts);
  const words = useTexts(componentTexts);
  const format = useFormats();
  const { data, error, refetch } = useQuery(requestsQuery(app, notification));
  if (error) return <ProblemAlert error={error} retry={refetch} />;
  if (!data) return <Skeleton height={240} />;
  const compiled = PROVIDERS.flatMap((provider) => {
    const request = data[provider];
    return request ? [{ provider, ...request }] : [];
  });
  if (compiled.length === 0) return <Nothing>{t('noRequests')}</Nothing>;
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t('requestsNote')}
      </Text>
      {compiled.map(({ provider, method, url, headers, body, payloadBytes }) => (
        <div key={provider}>
          <Text fw={600} size="sm" component="h3" mb={4}>
            {words(provider)} · {t('bytes', { n: format.number(payloadBytes) })}
          </Text>
          <Code
            label={t('requestOf', { provider: words(provider) })}
            value={[
              `${method} ${url}`,
              ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
              '',
              typeof body === 'string' ? body : JSON.stringify(body, null, 2),
            ].join('\n')}
          />
        </div>
      ))}
    </Stack>
  );
}
