import { RouteLink } from '../../components/links.js';
import type { Column } from '../../components/rows.js';
import { ShortTable } from '../../components/short-table.js';
import { ProviderName } from '../../components/status.js';
import { Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { failureTexts } from './failures.i18n.js';
import { overviewTexts } from './overview.i18n.js';
import type { Overview } from './overview.js';

type Columns<Row> = Omit<Column<Row>, 'width'>[];

const oneDecimal = (value: number) => Math.round(value * 10) / 10;

export function Providers({ overview }: { overview: Overview }) {
  const t = useTexts(overviewTexts);
  const format = useFormats();
  const columns: Columns<Overview['providers'][number]> = [
    { id: 'provider', header: t('provider'), cell: ({ provider }) => <ProviderName provider={provider} /> },
    {
      id: 'perSecond',
      header: t('perSecond'),
      cell: ({ perSecond }) => format.number(oneDecimal(perSecond)),
      isNumber: true,
    },
    { id: 'calls', header: t('calls'), cell: ({ attempts }) => format.number(attempts), isNumber: true },
    { id: 'failed', header: t('failed'), cell: ({ failed }) => format.number(failed), isNumber: true },
    {
      id: 'share',
      header: t('share'),
      cell: ({ accepted, failed }) => (accepted + failed === 0 ? '–' : format.percent(accepted / (accepted + failed))),
      isNumber: true,
      isExtra: true,
    },
    {
      id: 'latency',
      header: t('p95'),
      cell: ({ latencyMs }) => (latencyMs === null ? '–' : format.duration(latencyMs.p95)),
      isNumber: true,
    },
  ];
  return (
    <ShortTable
      label={t('providers')}
      columns={columns}
      rows={overview.providers}
      keyOf={({ provider }) => provider}
      empty={t('noCalls')}
    />
  );
}

export function Lanes({ overview }: { overview: Overview }) {
  const t = useTexts(overviewTexts);
  const format = useFormats();
  const columns: Columns<Overview['lanes'][number]> = [
    { id: 'lane', header: t('lane'), cell: ({ lane }) => t(lane) },
    {
      id: 'perSecond',
      header: t('perSecond'),
      cell: ({ perSecond }) => format.number(oneDecimal(perSecond)),
      isNumber: true,
      isExtra: true,
    },
    { id: 'due', header: t('due'), cell: ({ due }) => format.number(due), isNumber: true },
    {
      id: 'sending',
      header: t('sending'),
      cell: ({ sending }) => format.number(sending),
      isNumber: true,
      isExtra: true,
    },
    { id: 'retrying', header: t('retrying'), cell: ({ waiting }) => format.number(waiting), isNumber: true },
    { id: 'paused', header: t('paused'), cell: ({ paused }) => format.number(paused), isNumber: true, isExtra: true },
    {
      id: 'oldest',
      header: t('oldest'),
      cell: ({ oldestDueSeconds }) => (oldestDueSeconds === null ? '–' : format.duration(oldestDueSeconds * 1_000)),
      isNumber: true,
    },
  ];
  return <ShortTable label={t('lanes')} columns={columns} rows={overview.lanes} keyOf={({ lane }) => lane} />;
}

/** The stream is the same for all who watch, so their language is chosen here. */
const isKnown = (outcome: string): outcome is keyof typeof failureTexts.en => outcome in failureTexts.en;

/** Each code leads to the deliveries that met it. */
export function Failures({ app, overview }: { app: string; overview: Overview }) {
  const t = useTexts(overviewTexts);
  const todo = useTexts(failureTexts);
  const format = useFormats();
  const adviceOf = ({ outcome, advice }: Overview['failures'][number]) => (isKnown(outcome) ? todo(outcome) : advice);
  const columns: Columns<Overview['failures'][number]> = [
    {
      id: 'code',
      header: t('code'),
      cell: ({ provider, code }) => (
        <RouteLink to="/apps/$app/deliveries" params={{ app }} search={{ provider, code }} fz={13}>
          {code}
        </RouteLink>
      ),
    },
    { id: 'provider', header: t('provider'), cell: ({ provider }) => <ProviderName provider={provider} /> },
    { id: 'attempts', header: t('attempts'), cell: ({ attempts }) => format.number(attempts), isNumber: true },
    { id: 'last', header: t('last'), cell: ({ lastAt }) => <Time at={lastAt} />, isExtra: true },
    { id: 'advice', header: t('advice'), cell: adviceOf, isExtra: true },
  ];
  return (
    <ShortTable
      label={t('failures')}
      columns={columns}
      rows={overview.failures}
      keyOf={({ provider, code }) => `${provider} ${code}`}
      empty={t('noFailures')}
    />
  );
}
