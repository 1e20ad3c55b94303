import { Button, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import type { paths } from '../../api/schema.js';
import { Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import type { Column } from '../../components/rows.js';
import { ShortTable } from '../../components/short-table.js';
import { Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { queuesTexts } from './queues.i18n.js';
import { REFRESH_MS } from './system.js';

type Queues = paths['/v1/system/queues']['get']['responses'][200]['content']['application/json'];
type JobQueue = Queues['lanes'][number];

type Columns<Row> = Omit<Column<Row>, 'width'>[];

const COUNTS = ['waiting', 'active', 'delayed', 'failed', 'paused'] as const;
const EXTRA: ReadonlySet<string> = new Set(['delayed', 'failed', 'paused']);

/** What Bull holds: the way to the workers, not what is to be sent. */
export function JobQueues() {
  const t = useTexts(queuesTexts);
  const [open, setOpen] = useState<string>();
  const { data, error, refetch } = useQuery({
    queryKey: ['system-queues'],
    refetchInterval: REFRESH_MS,
    queryFn: ({ signal }) => dataOf(api.GET('/v1/system/queues', { signal })),
  });
  const shown = data?.lanes.find(({ queue }) => queue === open);
  return (
    <Section title={t('jobQueues')}>
      <Stack gap="md">
        <Text size="xs" c="dimmed">
          {t('jobQueuesAbout')}
        </Text>
        {error && <ProblemAlert error={error} retry={refetch} />}
        {data && <QueueTable queues={data.lanes} open={open} setOpen={setOpen} />}
        {shown && <Jobs queue={shown} />}
      </Stack>
    </Section>
  );
}

interface QueueTableProps {
  queues: readonly JobQueue[];
  open: string | undefined;
  setOpen(queue: string | undefined): void;
}

function QueueTable({ queues, open, setOpen }: QueueTableProps) {
  const t = useTexts(queuesTexts);
  const format = useFormats();
  const columns: Columns<JobQueue> = [
    { id: 'queue', header: t('queue'), cell: ({ queue }) => <span className="mono">{queue}</span> },
    ...COUNTS.map((key) => ({
      id: key,
      header: t(key),
      cell: ({ counts }: JobQueue) => format.number(counts[key]),
      isNumber: true,
      isExtra: EXTRA.has(key),
    })),
    {
      id: 'consumers',
      header: t('consumers'),
      cell: ({ consumers }) => (consumers === null ? '–' : format.number(consumers)),
      isNumber: true,
      isExtra: true,
    },
    {
      id: 'jobs',
      header: t('jobs'),
      cell: ({ queue }) => (
        <Button
          variant="default"
          size="compact-xs"
          aria-expanded={queue === open}
          aria-label={t('showJobs', { queue })}
          onClick={() => setOpen(queue === open ? undefined : queue)}
        >
          {t('jobs')}
        </Button>
      ),
      isNumber: true,
    },
  ];
  return <ShortTable label={t('jobQueues')} columns={columns} rows={queues} keyOf={({ queue }) => queue} />;
}

function Jobs({ queue: { queue, jobs } }: { queue: JobQueue }) {
  const t = useTexts(queuesTexts);
  const format = useFormats();
  const columns: Columns<JobQueue['jobs'][number]> = [
    { id: 'job', header: t('job'), cell: ({ id }) => <span className="mono">{id}</span> },
    { id: 'state', header: t('state'), cell: ({ state }) => state },
    {
      id: 'batches',
      header: t('batches'),
      cell: ({ batches }) => (batches === null ? '–' : format.number(batches)),
      isNumber: true,
    },
    {
      id: 'notifications',
      header: t('notifications'),
      cell: ({ notificationIds }) => <span className="mono">{notificationIds.join(' ')}</span>,
      isExtra: true,
    },
    { id: 'added', header: t('added'), cell: ({ addedAt }) => <Time at={addedAt} />, isExtra: true },
    { id: 'started', header: t('started'), cell: ({ startedAt }) => <Time at={startedAt} />, isExtra: true },
  ];
  return (
    <div>
      <Text component="h3" size="sm" fw={600}>
        {t('jobsOf', { queue })}
      </Text>
      <ShortTable
        label={t('jobsOf', { queue })}
        columns={columns}
        rows={jobs}
        keyOf={({ id }) => id}
        empty={t('noJobs')}
      />
    </div>
  );
}
