import { SimpleGrid, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, dataOf } from '../../api/client.js';
import { Figure, Page, Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { JobQueues } from './job-queues.js';
import { queuesTexts } from './queues.i18n.js';
import { REFRESH_MS, type SystemState } from './system.js';
import { Depths, Gates, MassGuards, Storage, Workers } from './system-tables.js';

/** What waits, who works and what is held back, in the whole installation. */
export function QueuesPage() {
  const t = useTexts(queuesTexts);
  const { data, error, refetch } = useQuery({
    queryKey: ['system'],
    refetchInterval: REFRESH_MS,
    queryFn: ({ signal }) => dataOf(api.GET('/v1/system', { signal })),
  });
  return (
    <Page title={t('title')} about={t('about')}>
      {error && <ProblemAlert error={error} retry={refetch} />}
      {data ? (
        <System system={data} />
      ) : (
        !error && (
          <Stack>
            <Skeleton height={100} />
            <Skeleton height={220} />
          </Stack>
        )
      )}
      <JobQueues />
      {data && (
        <Section title={t('storage')}>
          <About>{t('storageAbout')}</About>
          <Storage system={data} />
        </Section>
      )}
    </Page>
  );
}

function System({ system }: { system: SystemState }) {
  const t = useTexts(queuesTexts);
  const format = useFormats();
  const sum = (key: 'due' | 'sending' | 'waiting') => system.lanes.reduce((total, lane) => total + lane[key], 0);
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
        <Figure
          name={t('unplanned')}
          value={format.number(system.unplannedNotifications)}
          about={t('unplannedAbout')}
        />
        <Figure name={t('due')} value={format.number(sum('due'))} about={t('dueAbout')} />
        <Figure name={t('sending')} value={format.number(sum('sending'))} about={t('sendingAbout')} />
        <Figure name={t('retrying')} value={format.number(sum('waiting'))} about={t('retryingAbout')} />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Section title={t('lanes')}>
          <Depths system={system} />
        </Section>
        <Section title={t('workers')}>
          <About>{t('workersAbout')}</About>
          <Workers system={system} />
        </Section>
      </SimpleGrid>
      <Section title={t('gates')}>
        <Gates system={system} />
      </Section>
      {system.massGuards.length > 0 && (
        <Section title={t('guards')}>
          <About>{t('guardsAbout')}</About>
          <MassGuards system={system} />
        </Section>
      )}
    </>
  );
}

function About({ children }: { children: string }) {
  return (
    <Text size="xs" c="dimmed" mb="xs">
      {children}
    </Text>
  );
}
