import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import { Problem } from '../../api/problem.js';
import { queries } from '../../api/queries.js';
import type { paths } from '../../api/schema.js';
import { useMay } from '../../api/session.js';
import { Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { type Column, Rows } from '../../components/rows.js';
import { Dot } from '../../components/status.js';
import { usePages } from '../../components/use-pages.js';
import { Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { webhookTexts } from './webhooks.i18n.js';

type Call =
  paths['/v1/webhooks/{id}/attempts']['get']['responses'][200]['content']['application/json']['items'][number];
type ReplayBody = paths['/v1/webhooks/{id}/replay']['post']['requestBody']['content']['application/json'];

const PAGE_SIZE = 50;
/** Milliseconds; what was replayed shows up by itself. */
const REFRESH_MS = 5_000;

export function WebhookCalls({ app, id }: { app: string; id: string }) {
  const t = useTexts(webhookTexts);
  const mayOperate = useMay('operator');
  const pages = usePages<Call>({
    key: ['webhook-calls', app, id],
    pageSize: PAGE_SIZE,
    refreshMs: REFRESH_MS,
    load: (cursor, signal) => {
      const query = { applicationId: app, limit: PAGE_SIZE, ...(cursor !== undefined && { cursor }) };
      return dataOf(api.GET('/v1/webhooks/{id}/attempts', { params: { path: { id }, query }, signal }));
    },
  });
  const columns = useColumns(app, id, mayOperate);
  return (
    <Section title={t('calls')} actions={mayOperate && <ReplayRange app={app} id={id} />}>
      <Rows label={t('calls')} columns={columns} pages={pages} empty={t('noCalls')} height="546px" />
    </Section>
  );
}

function useColumns(app: string, id: string, mayOperate: boolean): Column<Call>[] {
  const t = useTexts(webhookTexts);
  const format = useFormats();
  const columns: Column<Call>[] = [
    {
      id: 'event',
      header: t('event'),
      cell: ({ type }) => <span className="mono">{type}</span>,
      width: 'minmax(130px, 2fr)',
    },
    {
      id: 'answer',
      header: t('answer'),
      cell: ({ succeeded, status, error }) => (
        <Dot tone={succeeded ? 'ok' : 'problem'}>{error ?? status ?? t('noAnswer')}</Dot>
      ),
      width: 'minmax(80px, 1fr)',
    },
    {
      id: 'number',
      header: t('number'),
      cell: ({ number }) => format.number(number),
      width: '56px',
      isNumber: true,
      isExtra: true,
    },
    {
      id: 'took',
      header: t('took'),
      cell: ({ latencyMs }) => format.duration(latencyMs),
      width: '80px',
      isNumber: true,
      isExtra: true,
    },
    { id: 'at', header: t('at'), cell: ({ at }) => <Time at={at} />, width: '110px' },
    {
      id: 'next',
      header: t('next'),
      cell: ({ nextAttemptAt }) => (nextAttemptAt === null ? '–' : <Time at={nextAttemptAt} />),
      width: '110px',
      isExtra: true,
    },
  ];
  if (!mayOperate) return columns;
  const cell = ({ eventId }: Call) => <Replay app={app} id={id} eventId={eventId} />;
  return [...columns, { id: 'replay', header: t('action'), cell, width: '90px', isExtra: true }];
}

function useReplay(app: string, id: string, showsItself: boolean) {
  const t = useTexts(webhookTexts);
  const format = useFormats();
  return useMutation({
    meta: { showsItself },
    mutationFn: (body: ReplayBody) => {
      const params = { path: { id }, query: { applicationId: app } };
      return dataOf(api.POST('/v1/webhooks/{id}/replay', { params, body }));
    },
    onSuccess: ({ replayed }) => {
      notifications.show({ message: t('replayed', { n: format.number(replayed) }) });
      return queries.invalidateQueries({ queryKey: ['webhook-calls', app, id] });
    },
  });
}

function Replay({ app, id, eventId }: { app: string; id: string; eventId: string }) {
  const t = useTexts(webhookTexts);
  const replay = useReplay(app, id, false);
  return (
    <Button
      variant="default"
      size="compact-xs"
      onClick={() => replay.mutate({ eventId })}
      loading={replay.isPending}
      aria-label={`${t('replay')}: ${eventId}`}
    >
      {t('replay')}
    </Button>
  );
}

function ReplayRange({ app, id }: { app: string; id: string }) {
  const t = useTexts(webhookTexts);
  const [isOpen, { open, close }] = useDisclosure(false);
  const [range, setRange] = useState({ from: '', to: '' });
  const replay = useReplay(app, id, true);
  const problem = replay.error instanceof Problem ? replay.error : undefined;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  function submit(event: FormEvent) {
    event.preventDefault();
    const body = { from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() };
    replay.mutate(body, { onSuccess: close });
  }
  const field = (name: 'from' | 'to') => ({
    type: 'datetime-local',
    label: t(name),
    description: t('zone', { zone }),
    value: range[name],
    onChange: (event: { currentTarget: { value: string } }) =>
      setRange({ ...range, [name]: event.currentTarget.value }),
    error: problem?.of(name),
    required: true,
  });
  return (
    <>
      <Button variant="default" size="xs" onClick={open}>
        {t('replayRange')}
      </Button>
      <Modal opened={isOpen} onClose={close} title={t('replayRange')}>
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm">{t('replayRangeAbout')}</Text>
            <TextInput {...field('from')} />
            <TextInput {...field('to')} />
            {replay.error && <ProblemAlert error={replay.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {t('cancel')}
              </Button>
              <Button type="submit" loading={replay.isPending}>
                {t('replay')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
