import { Button, Group, Modal, Radio, Stack, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import { Problem } from '../../api/problem.js';
import { queries } from '../../api/queries.js';
import type { paths } from '../../api/schema.js';
import { useMay } from '../../api/session.js';
import { ConfirmButton } from '../../components/confirm-button.js';
import { Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { type Column, Rows } from '../../components/rows.js';
import { Dot } from '../../components/status.js';
import { usePages } from '../../components/use-pages.js';
import { Time } from '../../components/values.js';
import { useTexts } from '../../i18n/language.js';
import { SecretOnce, useSecret } from './secret-once.js';
import { settingsTexts } from './settings.i18n.js';

type Key = paths['/v1/applications/{id}/keys']['get']['responses'][200]['content']['application/json']['items'][number];

const PAGE_SIZE = 100;
const ROLES = ['server', 'client', 'admin'] as const;
/** `.env` names; the service itself reads CARILLON_ADMIN_KEY, which is another key. */
const VARIABLES = {
  server: 'CARILLON_SERVER_KEY',
  client: 'CARILLON_CLIENT_KEY',
  admin: 'CARILLON_APPLICATION_ADMIN_KEY',
} as const;

export function KeysTab({ app }: { app: string }) {
  const t = useTexts(settingsTexts);
  const isOwner = useMay('owner');
  const [isMaking, making] = useDisclosure(false);
  const pages = usePages<Key>({
    key: ['keys', app],
    pageSize: PAGE_SIZE,
    load: (cursor, signal) => {
      const query = { limit: PAGE_SIZE, ...(cursor !== undefined && { cursor }) };
      return dataOf(api.GET('/v1/applications/{id}/keys', { params: { path: { id: app }, query }, signal }));
    },
  });
  const columns = useColumns(app, isOwner);
  return (
    <Section
      title={t('keys')}
      actions={
        isOwner && (
          <Button size="xs" onClick={making.open}>
            {t('newKey')}
          </Button>
        )
      }
    >
      <Rows label={t('keys')} columns={columns} pages={pages} empty={t('noKeys')} height="418px" />
      {isMaking && <NewKey app={app} close={making.close} />}
    </Section>
  );
}

function stateOf({ revokedAt, expiresAt }: Key): 'active' | 'revoked' | 'expired' {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now() ? 'expired' : 'active';
}

function useColumns(app: string, isOwner: boolean): Column<Key>[] {
  const t = useTexts(settingsTexts);
  const columns: Column<Key>[] = [
    { id: 'name', header: t('name'), cell: (key) => key.name || t('noName'), width: 'minmax(80px, 2fr)' },
    { id: 'role', header: t('role'), cell: ({ role }) => t(role), width: '80px', isExtra: true },
    {
      id: 'prefix',
      header: t('begins'),
      cell: ({ prefix }) => <span className="mono">{prefix}…</span>,
      width: '110px',
      isExtra: true,
    },
    {
      id: 'state',
      header: t('state'),
      cell: (key) => <Dot tone={stateOf(key) === 'active' ? 'ok' : 'quiet'}>{t(stateOf(key))}</Dot>,
      width: '100px',
    },
    {
      id: 'made',
      header: t('made'),
      cell: ({ createdAt }) => <Time at={createdAt} />,
      width: '110px',
      isExtra: true,
    },
    {
      id: 'used',
      header: t('lastUsed'),
      cell: ({ lastUsedAt }) => <Time at={lastUsedAt} />,
      width: '110px',
      isExtra: true,
    },
    {
      id: 'expires',
      header: t('expires'),
      cell: ({ expiresAt }) => <Time at={expiresAt} />,
      width: '110px',
      isExtra: true,
    },
  ];
  if (!isOwner) return columns;
  const cell = (key: Key) => key.revokedAt === null && <Revoke app={app} apiKey={key} />;
  return [...columns, { id: 'revoke', header: t('action'), cell, width: '84px' }];
}

function Revoke({ app, apiKey }: { app: string; apiKey: Key }) {
  const t = useTexts(settingsTexts);
  const revoke = useMutation({
    mutationFn: () =>
      api.DELETE('/v1/applications/{id}/keys/{keyId}', { params: { path: { id: app, keyId: apiKey.id } } }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['keys', app] }),
  });
  const { name, prefix } = apiKey;
  return (
    <ConfirmButton
      size="compact-xs"
      color="red"
      question={t('revokeQuestion', { name: name || t('noName'), prefix })}
      act={revoke.mutate}
      loading={revoke.isPending}
    >
      {t('revoke')}
    </ConfirmButton>
  );
}

function NewKey({ app, close }: { app: string; close(): void }) {
  const t = useTexts(settingsTexts);
  const [role, setRole] = useState<(typeof ROLES)[number]>('server');
  const [name, setName] = useState('');
  const [day, setDay] = useState('');
  const made = useSecret(
    async () => {
      const expiresAt = day === '' ? null : new Date(`${day}T23:59:59`).toISOString();
      const body = { role, name, expiresAt };
      const path = { id: app };
      return (await dataOf(api.POST('/v1/applications/{id}/keys', { params: { path }, body }))).key;
    },
    () => queries.invalidateQueries({ queryKey: ['keys', app] }),
  );
  const problem = made.error instanceof Problem ? made.error : undefined;
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
    <Modal opened onClose={finish} title={t('newKey')} closeOnClickOutside={!isShown} closeOnEscape={!isShown}>
      {made.secret !== undefined ? (
        <SecretOnce label={t('key')} secret={made.secret} variable={VARIABLES[role]} close={finish} />
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <Radio.Group
              label={t('role')}
              value={role}
              onChange={(value) => setRole(ROLES.find((each) => each === value) ?? 'server')}
            >
              <Stack gap="xs" mt={6}>
                {ROLES.map((each) => (
                  <Radio key={each} value={each} label={t(each)} description={t(`${each}About`)} />
                ))}
              </Stack>
            </Radio.Group>
            <TextInput
              label={t('name')}
              description={t('nameAbout')}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              error={problem?.of('name')}
            />
            <TextInput
              type="date"
              label={t('expires')}
              description={t('expiresAbout')}
              value={day}
              onChange={(event) => setDay(event.currentTarget.value)}
              error={problem?.of('expiresAt')}
            />
            {made.error && <ProblemAlert error={made.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={finish}>
                {t('cancel')}
              </Button>
              <Button type="submit" loading={made.isPending}>
                {t('makeKey')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
