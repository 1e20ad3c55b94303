import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { useTexts } from '../../i18n/language.js';
import { SecretOnce, useSecret } from './secret-once.js';
import { webhookTexts } from './webhooks.i18n.js';
import { type Webhook, WebhookFields } from './webhooks.js';

export function EditWebhook({ app, webhook, changed }: { app: string; webhook: Webhook; changed(): unknown }) {
  const t = useTexts(webhookTexts);
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        {t('edit')}
      </Button>
      {isOpen && <EditModal app={app} webhook={webhook} changed={changed} close={close} />}
    </>
  );
}

interface EditModalProps {
  app: string;
  webhook: Webhook;
  changed(): unknown;
  close(): void;
}

function EditModal({ app, webhook, changed, close }: EditModalProps) {
  const t = useTexts(webhookTexts);
  const [fields, setFields] = useState({ url: webhook.url, events: webhook.events });
  const save = useMutation({
    meta: { showsItself: true },
    mutationFn: () => {
      const params = { path: { id: webhook.id }, query: { applicationId: app } };
      return api.PATCH('/v1/webhooks/{id}', { params, body: fields });
    },
    onSuccess: async () => {
      await changed();
      close();
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    save.mutate();
  }
  return (
    <Modal opened onClose={close} title={t('edit')}>
      <form onSubmit={submit}>
        <Stack>
          <WebhookFields
            {...fields}
            error={save.error}
            change={(changes) => setFields((before) => ({ ...before, ...changes }))}
          />
          {save.error && <ProblemAlert error={save.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={save.isPending}>
              {t('save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

export function RotateSecret({ app, id, changed }: { app: string; id: string; changed(): unknown }) {
  const t = useTexts(webhookTexts);
  const [isOpen, { open, close }] = useDisclosure(false);
  const made = useSecret(async () => {
    const params = { path: { id }, query: { applicationId: app } };
    return (await dataOf(api.POST('/v1/webhooks/{id}/rotate-secret', { params }))).secret;
  }, changed);
  function finish() {
    made.forget();
    close();
  }
  const isShown = made.secret !== undefined;
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        {t('rotate')}
      </Button>
      <Modal
        opened={isOpen}
        onClose={finish}
        title={t('newSecret')}
        closeOnClickOutside={!isShown}
        closeOnEscape={!isShown}
      >
        {made.secret !== undefined ? (
          <SecretOnce label={t('secret')} secret={made.secret} variable="CARILLON_WEBHOOK_SECRET" close={finish} />
        ) : (
          <Stack>
            <Text size="sm">{t('rotateAbout')}</Text>
            {made.error && <ProblemAlert error={made.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={finish}>
                {t('cancel')}
              </Button>
              <Button onClick={made.make} loading={made.isPending}>
                {t('newSecret')}
              </Button>
            </Group>
          </Stack>
        )}
      </Modal>
    </>
  );
}
