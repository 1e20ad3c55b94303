import { Button, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import { Problem } from '../../api/problem.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { useTexts } from '../../i18n/language.js';
import type { Device } from './device.js';
import { deviceTexts } from './devices.i18n.js';

/** Seconds. A test is looked at while it runs; later it would only surprise. */
const TTL_SECONDS = 300;

/** Sends one push to one device, and leads to what becomes of it. */
export function TestPush({ app, device }: { app: string; device: Device }) {
  const t = useTexts(deviceTexts);
  const [isOpen, { open, close }] = useDisclosure(false);
  const isOut = device.status !== 'active';
  return (
    <>
      <Button variant="default" onClick={open} disabled={isOut} {...(isOut && { title: t('inactive') })}>
        {t('test')}
      </Button>
      <Modal opened={isOpen} onClose={close} title={t('test')}>
        <Form app={app} device={device.id} />
      </Modal>
    </>
  );
}

function Form({ app, device }: { app: string; device: string }) {
  const t = useTexts(deviceTexts);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [title, setTitle] = useState(t('testTitleValue'));
  const [body, setBody] = useState(t('testBodyValue'));
  const send = useMutation({
    meta: { showsItself: true },
    mutationFn: () =>
      dataOf(
        api.POST('/v1/notifications', {
          params: { query: { applicationId: app } },
          body: {
            audience: { deviceIds: [device] },
            content: { ...(title && { title }), ...(body && { body }) },
            options: { lane: 'critical', ttlSeconds: TTL_SECONDS },
          },
        }),
      ),
    onSuccess: ({ id }) => {
      void queries.invalidateQueries({ queryKey: ['deliveries of', app, device] });
      void queries.invalidateQueries({ queryKey: ['why', app] });
      return navigate({
        to: '/apps/$app/notifications/$notification/deliveries/$device',
        params: { app, notification: id, device },
      });
    },
  });
  const problem = send.error instanceof Problem ? send.error : undefined;
  function submit(event: FormEvent) {
    event.preventDefault();
    send.mutate();
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{t('testAbout')}</Text>
        <TextInput
          label={t('testHeading')}
          value={title}
          onChange={(event) => setTitle(event.currentTarget.value)}
          error={problem?.of('content.title')}
          data-autofocus
        />
        <Textarea
          label={t('testBody')}
          value={body}
          onChange={(event) => setBody(event.currentTarget.value)}
          error={problem?.of('content.body')}
          autosize
        />
        {send.error && <ProblemAlert error={send.error} />}
        <Button type="submit" loading={send.isPending}>
          {t('send')}
        </Button>
      </Stack>
    </form>
  );
}
