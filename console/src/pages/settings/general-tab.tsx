import { Button, Group, Skeleton, Stack, Switch, Table, Text, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import { Problem } from '../../api/problem.js';
import { queries } from '../../api/queries.js';
import type { paths } from '../../api/schema.js';
import { useMay } from '../../api/session.js';
import { Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { Id, Time } from '../../components/values.js';
import { useTexts } from '../../i18n/language.js';
import { applicationsQuery } from '../../shell/applications.js';
import { settingsTexts } from './settings.i18n.js';

type Application = paths['/v1/applications/{id}']['get']['responses'][200]['content']['application/json'];

const LIMITS = ['payload', 'names', 'ttl', 'ahead', 'idempotency', 'bulk', 'origins', 'replay'] as const;

export function GeneralTab({ app }: { app: string }) {
  const t = useTexts(settingsTexts);
  const application = useQuery({
    queryKey: ['application', app],
    queryFn: ({ signal }) => dataOf(api.GET('/v1/applications/{id}', { params: { path: { id: app } }, signal })),
  });
  return (
    <Stack>
      <Section title={t('application')}>
        {application.error ? (
          <ProblemAlert error={application.error} retry={application.refetch} />
        ) : application.data ? (
          <ApplicationForm application={application.data} />
        ) : (
          <Skeleton height={420} />
        )}
      </Section>
      <Section title={t('limits')}>
        <Table>
          <Table.Thead className="visually-hidden">
            <Table.Tr>
              <Table.Th scope="col">{t('limit')}</Table.Th>
              <Table.Th scope="col">{t('value')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {LIMITS.map((limit) => (
              <Table.Tr key={limit}>
                <Table.Td>{t(limit)}</Table.Td>
                <Table.Td>{t(`${limit}Value`)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Section>
    </Stack>
  );
}

function ApplicationForm({ application }: { application: Application }) {
  const t = useTexts(settingsTexts);
  const { id, createdAt } = application;
  const isOwner = useMay('owner');
  const [name, setName] = useState(application.name);
  const [origins, setOrigins] = useState(application.corsOrigins.join('\n'));
  const [publicKey, setPublicKey] = useState(application.userTokenPublicKey ?? '');
  const [isRequired, setRequired] = useState(application.requireUserToken);
  const save = useMutation({
    meta: { showsItself: true },
    mutationFn: () => {
      const corsOrigins = origins.split('\n').flatMap((line) => line.trim() || []);
      const userTokenPublicKey = publicKey.trim() || null;
      const body = { name, corsOrigins, userTokenPublicKey, requireUserToken: isRequired };
      return dataOf(api.PATCH('/v1/applications/{id}', { params: { path: { id } }, body }));
    },
    onSuccess: async (changed) => {
      queries.setQueryData(['application', id], changed);
      await queries.invalidateQueries({ queryKey: applicationsQuery.queryKey });
      notifications.show({ message: t('saved') });
    },
  });
  const problem = save.error instanceof Problem ? save.error : undefined;
  const wrongOrigin = problem?.errors.find(({ path }) => path.startsWith('body.corsOrigins'))?.message;
  function submit(event: FormEvent) {
    event.preventDefault();
    save.mutate();
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <Group gap="lg">
          <Text component="div" size="sm" c="dimmed">
            {t('id')} <Id id={id} />
          </Text>
          <Text component="div" size="sm" c="dimmed">
            {t('createdAt')} <Time at={createdAt} />
          </Text>
        </Group>
        <TextInput
          label={t('name')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={problem?.of('name')}
          readOnly={!isOwner}
          required
        />
        <Textarea
          label={t('corsOrigins')}
          description={t('corsOriginsAbout')}
          value={origins}
          onChange={(event) => setOrigins(event.currentTarget.value)}
          error={wrongOrigin}
          readOnly={!isOwner}
          classNames={{ input: 'mono' }}
          spellCheck={false}
          autosize
          minRows={2}
        />
        <Textarea
          label={t('userTokenPublicKey')}
          description={t('userTokenPublicKeyAbout')}
          placeholder="-----BEGIN PUBLIC KEY-----"
          value={publicKey}
          onChange={(event) => setPublicKey(event.currentTarget.value)}
          error={problem?.of('userTokenPublicKey')}
          readOnly={!isOwner}
          classNames={{ input: 'mono' }}
          spellCheck={false}
          autosize
          minRows={3}
        />
        <Switch
          label={t('requireUserToken')}
          description={t('requireUserTokenAbout')}
          checked={isRequired}
          onChange={(event) => setRequired(event.currentTarget.checked)}
          disabled={!isOwner}
        />
        {save.error && <ProblemAlert error={save.error} />}
        {isOwner ? (
          <Group>
            <Button type="submit" loading={save.isPending}>
              {t('save')}
            </Button>
          </Group>
        ) : (
          <Text size="sm" c="dimmed">
            {t('ownerOnly')}
          </Text>
        )}
      </Stack>
    </form>
  );
}
