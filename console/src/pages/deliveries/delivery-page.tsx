import { Group, List, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useMay } from '../../api/session.js';
import { Beside, Fact, Facts } from '../../components/facts.js';
import { RouteButton, RouteLink } from '../../components/links.js';
import { Page, Section } from '../../components/page.js';
import { PageProblem } from '../../components/problem-alert.js';
import { ProviderName, Status } from '../../components/status.js';
import { Time } from '../../components/values.js';
import { useLanguage, useTexts } from '../../i18n/language.js';
import { deliveryTexts } from './deliveries.i18n.js';
import { deliveryQuery, type ExplainedDelivery, toneOf } from './delivery.js';
import { RecompiledRequest } from './recompiled-request.js';
import { Steps } from './steps.js';
import './delivery-page.css';

const ROUTE = '/inside/apps/$app/notifications/$notification/deliveries/$device';

/** One delivery, explained: first in plain words, then step by step. */
export function DeliveryPage() {
  const { app, notification, device } = useParams({ from: ROUTE });
  const { language } = useLanguage();
  const { data, error, refetch } = useQuery(deliveryQuery(app, notification, device, language));
  if (error && !data) return <PageProblem error={error} reset={() => void refetch()} />;
  if (!data) return <Skeleton height={480} />;
  return <Explained app={app} delivery={data} />;
}

function Explained({ app, delivery }: { app: string; delivery: ExplainedDelivery }) {
  const t = useTexts(deliveryTexts);
  const mayOperate = useMay('operator');
  const { notificationId, deviceId, explanation } = delivery;
  return (
    <Page
      title={explanation.title}
      about={<About app={app} delivery={delivery} />}
      actions={
        <>
          <RouteButton
            to="/apps/$app/notifications/$notification"
            params={{ app, notification: notificationId }}
            variant="default"
          >
            {t('openNotification')}
          </RouteButton>
          {mayOperate && deviceId !== null && (
            <RouteButton
              to="/apps/$app/compose"
              params={{ app }}
              search={{ like: notificationId, deviceId }}
              variant="default"
            >
              {t('sendAgain')}
            </RouteButton>
          )}
        </>
      }
    >
      <section className="card explanation" data-tone={toneOf(explanation)}>
        <Answer question={t('meaning')}>{explanation.meaning}</Answer>
        <Answer question={t('action')}>{explanation.action}</Answer>
        <Answer question={t('next')}>
          {explanation.nextSteps.length === 0 ? (
            t('nothingToDo')
          ) : (
            <List type="ordered" size="sm">
              {explanation.nextSteps.map((step) => (
                <List.Item key={step}>{step}</List.Item>
              ))}
            </List>
          )}
        </Answer>
      </section>
      <Beside>
        <Section title={t('timeline')}>
          <Steps delivery={delivery} />
        </Section>
        <Stack gap="md">
          <NotificationFacts delivery={delivery} app={app} />
          <DeviceFacts delivery={delivery} app={app} />
        </Stack>
      </Beside>
      <RecompiledRequest request={delivery.request} />
    </Page>
  );
}

function About({ app, delivery: { status, provider, userId } }: { app: string; delivery: ExplainedDelivery }) {
  return (
    <Group gap="md" mt={4}>
      <Status status={status} />
      <ProviderName provider={provider} />
      {userId !== null && (
        <RouteLink to="/apps/$app/users/$user" params={{ app, user: userId }} style={{ overflowWrap: 'anywhere' }}>
          {userId}
        </RouteLink>
      )}
    </Group>
  );
}

function Answer({ question, children }: { question: string; children: ReactNode }) {
  return (
    <div>
      <h2>{question}</h2>
      <Text component="div" size="sm">
        {children}
      </Text>
    </div>
  );
}

function NotificationFacts({ app, delivery }: { app: string; delivery: ExplainedDelivery }) {
  const t = useTexts(deliveryTexts);
  const { notification, notificationId } = delivery;
  const { title, body } = notification.content;
  return (
    <Section title={t('notification')}>
      <Facts>
        <Fact name={t('content')}>
          {title && (
            <Text size="sm" fw={600}>
              {title}
            </Text>
          )}
          {body && <Text size="sm">{body}</Text>}
          {!title && !body && t('noText')}
        </Fact>
        <Fact name={t('status')}>
          <Status status={notification.status} />
        </Fact>
        <Fact name={t('id')}>
          <RouteLink to="/apps/$app/notifications/$notification" params={{ app, notification: notificationId }}>
            <span className="mono">{notificationId}</span>
          </RouteLink>
        </Fact>
        <Fact name={t('due')}>
          <Time at={notification.sendAt} exact />
        </Fact>
        <Fact name={t('expires')}>
          <Time at={notification.expiresAt} exact />
        </Fact>
      </Facts>
    </Section>
  );
}

function DeviceFacts({ app, delivery: { device } }: { app: string; delivery: ExplainedDelivery }) {
  const t = useTexts(deliveryTexts);
  return (
    <Section title={t('device')}>
      <Facts>
        <Fact name={t('status')}>
          <Status status={device.status} />
        </Fact>
        <Fact name={t('id')}>
          <RouteLink to="/apps/$app/devices/$device" params={{ app, device: device.id }}>
            <span className="mono">{device.id}</span>
          </RouteLink>
        </Fact>
        {device.invalidAt !== null && (
          <Fact name={t('since')}>
            <Time at={device.invalidAt} exact /> <span className="mono">{device.invalidReason}</span>
          </Fact>
        )}
      </Facts>
    </Section>
  );
}
