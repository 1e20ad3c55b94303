import { Button, Group, Modal, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type FormEvent, useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import { queries } from '../../api/queries.js';
import { useMay } from '../../api/session.js';
import { Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { type Column, Rows } from '../../components/rows.js';
import { usePages } from '../../components/use-pages.js';
import { Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { SecretOnce, useSecret } from './secret-once.js';
import { webhookTexts } from './webhooks.i18n.js';
import { eventsIn, type Webhook, WebhookFields, WebhookState } from './webhooks.js';

const PAGE_SIZE = 50;

export function WebhooksTab({ app }: { app: string }) {
  const t = useTexts(webhookTexts);
  const format = useFormats();
  const isOwner = useMay('owner');
  const [isMaking, making] = useDisclosure(false);
  const pages = usePages<Webhook>({
    key: ['webhooks', app],
    pageSize: PAGE_SIZE,
    load: (cursor, signal) => {
      const query = { applicationId: app, limit: PAGE_SIZE, ...(cursor !== undefined && { cursor }) };
      return dataOf(api.GET('/v1/webhooks', { params: { query }, signal }));
    },
  });
  const columns: Column<Webhook>[] = [
    { id: 'url', header: t('url'), cell: ({ url }) => url, width: 'minmax(140px, 3fr)' },
    {
      id: 'state',
      header: t('state'),
      cell: (webhook) => <WebhookState webhook={webhook} />,
      width: 'minmax(96px, 1fr)',
    },
    {
      id: 'events',
      header: t('events'),
      cell: ({ events }) => (
        <span title={events.join(', ')}>{t('eventCount', { n: format.number(events.length) })}</span>
      ),
      width: '100px',
      isExtra: true,
    },
    { id: 'made', header: t('made'), cell: ({ createdAt }) => <Time at={createdAt} />, width: '120px', isExtra: true },
  ];
  return (
    <Section
      title={t('webhooks')}
      actions={
        isOwner && (
          <Button size="xs" onClick={making.open}>
            {t('newWebhook')}
          </Button>
        )
      }
    >
      <Rows
        label={t('webhooks')}
        columns={columns}
        pages={pages}
        empty={t('none')}
        height="418px"
        link={({ id }) => ({ to: '/apps/$app/webhooks/$webhook', params: { app, webhook: id } })}
      />
      {isMaking && <NewWebhook app={app} close={making.close} />}
    </Section>
  );
}

function NewWebhook({ app, close }: { app: string; close(): void }) {
  const t = useTexts(webhookTexts);
  const [fields, setFields] = useState({
    url: '',
    events: eventsIn(['notification.completed', 'delivery.failed', 'device.invalidated', 'credential.broken']),
  });
  const made = useSecret(
    async () => {
      const params = { query: { applicationId: app } };
      return (await dataOf(api.POST('/v1/webhooks', { params, body: fields }))).secret;
    },
    () => queries.invalidateQueries({ queryKey: ['webhooks', app] }),
  );
  function finish() {
    made.forget();
    close();
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    made.make();
  }
  const isShown = made.secret !== undefined;
  return (
    <Modal opened onClose={finish} title={t('newWebhook')} closeOnClickOutside={!isShown} closeOnEscape={!isShown}>
      {made.secret !== undefined ? (
        <SecretOnce label={t('secret')} secret={made.secret} variable="CARILLON_WEBHOOK_SECRET" close={finish} />
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <WebhookFields
              {...fields}
              error={made.error}
              change={(changes) => setFields((before) => ({ ...before, ...changes }))}
            />
            {made.error && <ProblemAlert error={made.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={finish}>
                {t('cancel')}
              </Button>
              <Button type="submit" loading={made.isPending}>
                {t('make')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
