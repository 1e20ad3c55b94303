import { useQuery } from '@tanstack/react-query';
import { RouteLink } from '../../components/links.js';
import type { Column } from '../../components/rows.js';
import { ShortTable } from '../../components/short-table.js';
import { Dot, ProviderName } from '../../components/status.js';
import { Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { applicationsQuery } from '../../shell/applications.js';
import { queuesTexts } from './queues.i18n.js';
import type { SystemState } from './system.js';

type Columns<Row> = Omit<Column<Row>, 'width'>[];
type Gate = SystemState['gates'][number];
type Guard = SystemState['massGuards'][number];
type Worker = SystemState['workers'][number];

/** Lanes in which nothing waits are left out. */
export function Depths({ system }: { system: SystemState }) {
  const t = useTexts(queuesTexts);
  const format = useFormats();
  const rows = system.lanes.flatMap(({ lane, providers }) => providers.map((depth) => ({ lane, ...depth })));
  const columns: Columns<(typeof rows)[number]> = [
    { id: 'lane', header: t('lane'), cell: ({ lane }) => t(lane) },
    { id: 'provider', header: t('provider'), cell: ({ provider }) => <ProviderName provider={provider} /> },
    { id: 'due', header: t('due'), cell: ({ due }) => format.number(due), isNumber: true },
    { id: 'sending', header: t('sending'), cell: ({ sending }) => format.number(sending), isNumber: true },
    { id: 'retrying', header: t('retrying'), cell: ({ waiting }) => format.number(waiting), isNumber: true },
    { id: 'paused', header: t('paused'), cell: ({ paused }) => format.number(paused), isNumber: true, isExtra: true },
    {
      id: 'oldest',
      header: t('oldest'),
      cell: ({ oldestDueSeconds }) => (oldestDueSeconds === null ? '–' : format.duration(oldestDueSeconds * 1_000)),
      isNumber: true,
      isExtra: true,
    },
  ];
  return (
    <ShortTable
      label={t('lanes')}
      columns={columns}
      rows={rows}
      keyOf={({ lane, provider }) => `${lane} ${provider}`}
      empty={t('lanesEmpty')}
    />
  );
}

export function Workers({ system }: { system: SystemState }) {
  const t = useTexts(queuesTexts);
  const format = useFormats();
  const columns: Columns<Worker> = [
    { id: 'worker', header: t('worker'), cell: ({ worker }) => <span className="mono">{worker}</span> },
    { id: 'lastCall', header: t('lastCall'), cell: ({ lastAttemptAt }) => <Time at={lastAttemptAt} /> },
    { id: 'calls', header: t('calls'), cell: ({ attempts }) => format.number(attempts), isNumber: true },
  ];
  return (
    <ShortTable
      label={t('workers')}
      columns={columns}
      rows={system.workers}
      keyOf={({ worker }) => worker}
      empty={t('noWorkers')}
    />
  );
}

export function Gates({ system }: { system: SystemState }) {
  const t = useTexts(queuesTexts);
  const format = useFormats();
  const columns: Columns<Gate> = [
    { id: 'application', header: t('application'), cell: ({ applicationId: id }) => <ApplicationLink id={id} /> },
    {
      id: 'provider',
      header: t('provider'),
      cell: ({ provider, scope }) => (
        <span style={{ overflowWrap: 'anywhere' }}>
          <ProviderName provider={provider} /> {scope}
        </span>
      ),
    },
    {
      id: 'kind',
      header: t('kind'),
      cell: ({ kind }) => <Dot tone={kind === 'throttled' ? 'waiting' : 'problem'}>{t(kind)}</Dot>,
    },
    { id: 'reason', header: t('reason'), cell: ({ reason }) => reason, isExtra: true },
    {
      id: 'opens',
      header: t('opens'),
      cell: ({ state, closedUntil }) => (state === 'half_open' ? t('probing') : format.moment(closedUntil)),
    },
  ];
  return (
    <ShortTable
      label={t('gates')}
      columns={columns}
      rows={system.gates}
      keyOf={({ applicationId, provider, scope }) => `${applicationId} ${provider} ${scope}`}
      empty={t('noGates')}
    />
  );
}

export function MassGuards({ system }: { system: SystemState }) {
  const t = useTexts(queuesTexts);
  const format = useFormats();
  const columns: Columns<Guard> = [
    { id: 'application', header: t('application'), cell: ({ applicationId: id }) => <ApplicationLink id={id} /> },
    { id: 'provider', header: t('provider'), cell: ({ provider }) => <ProviderName provider={provider} /> },
    { id: 'tripped', header: t('tripped'), cell: ({ trippedAt }) => <Time at={trippedAt} /> },
    { id: 'restored', header: t('restored'), cell: ({ restored }) => format.number(restored), isNumber: true },
  ];
  return (
    <ShortTable
      label={t('guards')}
      columns={columns}
      rows={system.massGuards}
      keyOf={({ applicationId, provider }) => `${applicationId} ${provider}`}
    />
  );
}

function ApplicationLink({ id }: { id: string }) {
  const { data = [] } = useQuery(applicationsQuery);
  return (
    <RouteLink to="/apps/$app" params={{ app: id }} fz={13}>
      {data.find((application) => application.id === id)?.name ?? id}
    </RouteLink>
  );
}

/** Days of one table are summed up: there are many, and they come and go by themselves. */
export function Storage({ system }: { system: SystemState }) {
  const t = useTexts(queuesTexts);
  const format = useFormats();
  const rows = [...Map.groupBy(system.partitions, ({ table }) => table)].map(([table, partitions]) => ({
    table,
    partitions: partitions.length,
    since: partitions.flatMap(({ day }) => day ?? []).toSorted()[0],
    rows: partitions.reduce((sum, each) => sum + each.rows, 0),
    bytes: partitions.reduce((sum, each) => sum + each.bytes, 0),
  }));
  const columns: Columns<(typeof rows)[number]> = [
    { id: 'table', header: t('table'), cell: ({ table }) => <span className="mono">{table}</span> },
    {
      id: 'partitions',
      header: t('partitions'),
      cell: ({ partitions }) => format.number(partitions),
      isNumber: true,
      isExtra: true,
    },
    { id: 'since', header: t('since'), cell: ({ since }) => since ?? '–', isExtra: true },
    { id: 'rows', header: t('rows'), cell: ({ rows: n }) => format.number(n), isNumber: true },
    { id: 'size', header: t('size'), cell: ({ bytes }) => format.bytes(bytes), isNumber: true },
  ];
  return (
    <ShortTable
      label={t('storage')}
      columns={columns}
      rows={rows}
      keyOf={({ table }) => table}
      empty={t('noStorage')}
    />
  );
}
