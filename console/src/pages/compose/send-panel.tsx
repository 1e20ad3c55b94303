import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import { Problem } from '../../api/problem.js';
import { componentTexts } from '../../components/components.i18n.js';
import { Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { composeTexts } from './compose.i18n.js';
import { type Draft, isSame, type NotificationBody, PROVIDERS, requestOf } from './draft.js';
import { measure, useAudienceSize } from './use-compose.js';

/** Devices above which one is asked before sending. */
const ASK_ABOVE = 1_000;
/** Devices above which their number has to be typed. */
const TYPE_ABOVE = 100_000;

interface SendPanelProps {
  app: string;
  draft: Draft;
  /** Sends with the key of this compose, so that a second click or a try after a broken line sends nothing twice. */
  send: { isPending: boolean; error: Error | null; mutate(body: NotificationBody): void };
  again(): void;
}

export function SendPanel({ app, draft, send, again }: SendPanelProps) {
  const t = useTexts(composeTexts);
  const { body } = requestOf(draft);
  const [asked, setAsked] = useState<{ devices: number | undefined }>();
  const ask = useMutation({
    meta: { showsItself: true },
    mutationFn: ({ audience }: NotificationBody) => measure(app, audience),
    onSuccess: ({ total }, sent) => {
      if (total > ASK_ABOVE) setAsked({ devices: total });
      else send.mutate(sent);
    },
    onError: () => setAsked({ devices: undefined }),
  });
  const isReused = send.error instanceof Problem && send.error.code === 'idempotency_key_reused';
  function confirmed() {
    setAsked(undefined);
    if (body) send.mutate(body);
  }
  return (
    <Section title={t('send')}>
      <Stack gap="sm">
        <AudienceSize app={app} draft={draft} />
        {!body && (
          <Text size="sm" c="dimmed">
            {t('incomplete')}
          </Text>
        )}
        {isReused ? (
          <Alert color="red" variant="outline" role="alert">
            <Text size="sm">{t('reused')}</Text>
            <Button variant="default" size="xs" mt="xs" onClick={again}>
              {t('another')}
            </Button>
          </Alert>
        ) : (
          send.error && <SendProblem error={send.error} />
        )}
        <DryRun app={app} body={body}>
          <Button onClick={() => body && ask.mutate(body)} disabled={!body} loading={ask.isPending || send.isPending}>
            {t(draft.sendAt === '' ? 'send' : 'schedule')}
          </Button>
        </DryRun>
      </Stack>
      {asked && (
        <Confirmation
          devices={asked.devices}
          sendAt={draft.sendAt}
          confirm={confirmed}
          cancel={() => setAsked(undefined)}
        />
      )}
    </Section>
  );
}

function SendProblem({ error }: { error: Error }) {
  const t = useTexts(composeTexts);
  return (
    <>
      <ProblemAlert error={error} />
      {!(error instanceof Problem) && <Text size="sm">{t('tryAgain')}</Text>}
    </>
  );
}

function AudienceSize({ app, draft }: { app: string; draft: Draft }) {
  const t = useTexts(composeTexts);
  const nameOf = useTexts(componentTexts);
  const format = useFormats();
  const { data, error, isPending, fetchStatus } = useAudienceSize(app, draft);
  if (error) return <ProblemAlert error={error} />;
  if (isPending) {
    return (
      <Text size="sm" c="dimmed">
        {t(fetchStatus === 'idle' ? 'sizeNone' : 'measuring')}
      </Text>
    );
  }
  const parts = PROVIDERS.filter((provider) => data.devices[provider] > 0);
  return (
    <div role="status">
      <Text fw={600}>{t(data.isEstimate ? 'sizeAbout' : 'size', { n: format.number(data.total) })}</Text>
      <Text size="sm" c="dimmed">
        {data.total === 0
          ? t('sizeZero')
          : parts.map((provider) => `${nameOf(provider)} ${format.number(data.devices[provider])}`).join(' · ')}
      </Text>
    </div>
  );
}

interface DryRunProps {
  app: string;
  body: NotificationBody | undefined;
  children: ReactNode;
}

function DryRun({ app, body, children }: DryRunProps) {
  const t = useTexts(composeTexts);
  const nameOf = useTexts(componentTexts);
  const format = useFormats();
  const dry = useMutation({
    meta: { showsItself: true },
    mutationFn: (tried: NotificationBody) => {
      const options = { ...tried.options, dryRun: true };
      const params = { query: { applicationId: app } };
      return dataOf(api.POST('/v1/notifications', { params, body: { ...tried, options } }));
    },
  });
  const result = isSame(dry.variables, body) ? dry.data?.dryRun : undefined;
  const total = result ? PROVIDERS.reduce((sum, provider) => sum + result.devices[provider], 0) : 0;
  return (
    <>
      {dry.error && isSame(dry.variables, body) && <ProblemAlert error={dry.error} />}
      {result && (
        <Alert color="gray" variant="outline" role="status">
          <Text size="sm">{t('dryRunDone', { n: format.number(total) })}</Text>
          {PROVIDERS.filter((provider) => result.devices[provider] > 0).map((provider) => {
            const { outcome, code } = result.providers[provider] ?? { outcome: t('dryRunSilent'), code: '' };
            return (
              <Text size="sm" c="dimmed" key={provider}>
                {code === ''
                  ? `${nameOf(provider)}: ${outcome}`
                  : t('dryRunSaid', { provider: nameOf(provider), outcome, code })}
              </Text>
            );
          })}
        </Alert>
      )}
      <Group gap="xs">
        {children}
        <Button variant="default" onClick={() => body && dry.mutate(body)} disabled={!body} loading={dry.isPending}>
          {t('dryRun')}
        </Button>
      </Group>
      <Text size="xs" c="dimmed">
        {t('dryRunAbout')}
      </Text>
    </>
  );
}

interface ConfirmationProps {
  /** Undefined: it could not be found out. */
  devices: number | undefined;
  sendAt: string;
  confirm(): void;
  cancel(): void;
}

function Confirmation({ devices, sendAt, confirm, cancel }: ConfirmationProps) {
  const t = useTexts(composeTexts);
  const format = useFormats();
  const [typed, setTyped] = useState('');
  const n = devices === undefined ? '?' : format.number(devices);
  const isTyped = devices === undefined || devices <= TYPE_ABOVE || typed.replaceAll(/\D/g, '') === String(devices);
  const question =
    devices === undefined
      ? t('sendUnknown')
      : sendAt === ''
        ? t('sendQuestion', { n })
        : t('sendQuestionLater', { n, time: format.dateTime(new Date(sendAt)) });
  return (
    <Modal opened onClose={cancel} title={t(sendAt === '' ? 'send' : 'schedule')}>
      <Stack>
        <Text size="sm">{question}</Text>
        {devices !== undefined && devices > TYPE_ABOVE && (
          <TextInput
            label={t('typeNumber', { n })}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            inputMode="numeric"
            autoComplete="off"
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={cancel} data-autofocus>
            {t('cancel')}
          </Button>
          <Button onClick={confirm} disabled={!isTyped}>
            {devices === undefined ? t('send') : t(sendAt === '' ? 'sendNow' : 'sendLater', { n })}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
