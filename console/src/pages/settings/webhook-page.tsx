import './settings.css';
import { Button, Skeleton } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { api, dataOf } from '../../api/client.js';
import { queries } from '../../api/queries.js';
import { useMay } from '../../api/session.js';
import { ConfirmButton } from '../../components/confirm-button.js';
import { RouteLink } from '../../components/links.js';
import { Page, Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { Id, Time } from '../../components/values.js';
import { useTexts } from '../../i18n/language.js';
import { WebhookCalls } from './webhook-calls.js';
import { EditWebhook, RotateSecret } from './webhook-changes.js';
import { webhookTexts } from './webhooks.i18n.js';
import { type Webhook, WebhookState } from './webhooks.js';

const route = getRouteApi('/inside/apps/$app/webhooks/$webhook');

export function WebhookPage() {
  const t = useTexts(webhookTexts);
  const { app, webhook: id } = route.useParams();
  const webhook = useQuery({
    queryKey: ['webhook', app, id],
    queryFn: ({ signal }) => {
      const params = { path: { id }, query: { applicationId: app } };
      return dataOf(api.GET('/v1/webhooks/{id}', { params, signal }));
    },
  });
  const about = (
    <RouteLink to="/apps/$app/settings" params={{ app }} search={{ tab: 'webhooks' }} size="sm" underline="always">
      {t('webhooks')}
    </RouteLink>
  );
  return (
    <Page
      title={webhook.data?.url ?? t('webhook')}
      about={about}
      actions={webhook.data && <Actions app={app} webhook={webhook.data} />}
    >
      {webhook.error ? (
        <ProblemAlert error={webhook.error} retry={webhook.refetch} />
      ) : webhook.data ? (
        <Facts webhook={webhook.data} />
      ) : (
        <Skeleton height={140} />
      )}
      {webhook.data && <WebhookCalls app={app} id={id} />}
    </Page>
  );
}

function Facts({ webhook }: { webhook: Webhook }) {
  const t = useTexts(webhookTexts);
  const { id, events, createdAt, previousSecretUntil } = webhook;
  const facts = [
    { name: t('state'), value: <WebhookState webhook={webhook} /> },
    { name: 'ID', value: <Id id={id} /> },
    { name: t('made'), value: <Time at={createdAt} /> },
    ...(previousSecretUntil === null
      ? []
      : [{ name: t('previousUntil'), value: <Time at={previousSecretUntil} exact /> }]),
    { name: t('events'), value: <span className="mono">{events.join(', ')}</span>, isWide: true },
  ];
  return (
    <Section title={t('webhook')}>
      <dl className="setting-facts">
        {facts.map(({ name, value, ...shape }) => (
          <div key={name} data-wide={'isWide' in shape || undefined}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

function Actions({ app, webhook }: { app: string; webhook: Webhook }) {
  const t = useTexts(webhookTexts);
  const navigate = useNavigate();
  const isOwner = useMay('owner');
  const mayOperate = useMay('operator');
  const { id, enabled } = webhook;
  const params = { path: { id }, query: { applicationId: app } };
  const refresh = () => queries.invalidateQueries({ queryKey: ['webhook', app, id] });
  const turn = useMutation({
    mutationFn: () => api.PATCH('/v1/webhooks/{id}', { params, body: { enabled: !enabled } }),
    onSettled: refresh,
  });
  const test = useMutation({
    mutationFn: () => api.POST('/v1/webhooks/{id}/test', { params }),
    onSuccess: () => {
      notifications.show({ message: t('tested') });
      return queries.invalidateQueries({ queryKey: ['webhook-calls', app, id] });
    },
  });
  const remove = useMutation({
    mutationFn: () => api.DELETE('/v1/webhooks/{id}', { params }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['webhooks', app] });
      await navigate({ to: '/apps/$app/settings', params: { app }, search: { tab: 'webhooks' } });
    },
  });
  if (!mayOperate) return null;
  return (
    <>
      <Button size="xs" variant="default" onClick={() => test.mutate()} disabled={!enabled} loading={test.isPending}>
        {t('test')}
      </Button>
      <EditWebhook app={app} webhook={webhook} changed={refresh} />
      {isOwner && <RotateSecret app={app} id={id} changed={refresh} />}
      {enabled ? (
        <ConfirmButton size="xs" question={t('switchOffQuestion')} act={turn.mutate} loading={turn.isPending}>
          {t('switchOff')}
        </ConfirmButton>
      ) : (
        <Button size="xs" variant="default" onClick={() => turn.mutate()} loading={turn.isPending}>
          {t('switchOn')}
        </Button>
      )}
      <ConfirmButton
        size="xs"
        color="red"
        question={t('removeQuestion')}
        act={remove.mutate}
        loading={remove.isPending}
      >
        {t('remove')}
      </ConfirmButton>
    </>
  );
}
