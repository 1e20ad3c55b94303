import { Button, Stack } from '@mantine/core';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { api, dataOf } from '../../api/client.js';
import { useMay } from '../../api/session.js';
import { componentTexts } from '../../components/components.i18n.js';
import { ChoiceFilter, Filters, TextFilter, TimeFilter } from '../../components/filters.js';
import { RouteButton } from '../../components/links.js';
import { Page } from '../../components/page.js';
import { type Column, Rows } from '../../components/rows.js';
import { Status } from '../../components/status.js';
import { usePages } from '../../components/use-pages.js';
import { Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { audienceInWords, audienceOf } from './audience.js';
import { LANES, type NotificationSummary, STATUSES } from './notification-queries.js';
import { notificationTexts } from './notifications.i18n.js';

const ROUTE = '/inside/apps/$app/notifications';
const PAGE_SIZE = 50;
const REFRESH_MS = 5_000;

/** What was sent, newest first. */
export function NotificationsPage() {
  const t = useTexts(notificationTexts);
  const { app } = useParams({ from: ROUTE });
  const mayOperate = useMay('operator');
  return (
    <Page
      title={t('notifications')}
      actions={
        mayOperate && (
          <RouteButton to="/apps/$app/compose" params={{ app }}>
            {t('compose')}
          </RouteButton>
        )
      }
    >
      <Stack gap="sm">
        <ListFilters />
        <List app={app} />
      </Stack>
    </Page>
  );
}

/** What of the address the API understands; somebody may have typed the rest. */
function useFilter() {
  const { status, lane, from, to, text } = useSearch({ from: ROUTE });
  return {
    status: STATUSES.find((each) => each === status),
    lane: LANES.find((each) => each === lane),
    from,
    to,
    text,
  };
}

function ListFilters() {
  const t = useTexts(notificationTexts);
  const words = useTexts(componentTexts);
  const filter = useFilter();
  const navigate = useNavigate({ from: '/apps/$app/notifications' });
  const change = (changed: Partial<typeof filter>) =>
    navigate({ search: (before) => ({ ...before, ...changed }), replace: true });
  return (
    <Filters>
      <TextFilter label={t('text')} value={filter.text} onChange={(text) => change({ text })} width={220} />
      <ChoiceFilter
        label={t('status')}
        choices={STATUSES.map((value) => ({ value, label: words(value) }))}
        value={filter.status}
        onChange={(status) => change({ status })}
      />
      <ChoiceFilter
        label={t('lane')}
        choices={LANES.map((value) => ({ value, label: t(value) }))}
        value={filter.lane}
        onChange={(lane) => change({ lane })}
      />
      <TimeFilter label={t('from')} value={filter.from} onChange={(from) => change({ from })} />
      <TimeFilter label={t('to')} value={filter.to} onChange={(to) => change({ to })} />
      {Object.values(filter).some((value) => value !== undefined) && (
        <Button variant="default" size="xs" onClick={() => navigate({ search: {}, replace: true })}>
          {t('clear')}
        </Button>
      )}
    </Filters>
  );
}

function List({ app }: { app: string }) {
  const t = useTexts(notificationTexts);
  const columns = useColumns();
  const filter = useFilter();
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  const pages = usePages({
    key: ['notifications', app, filter],
    pageSize: PAGE_SIZE,
    refreshMs: REFRESH_MS,
    load: (cursor, signal) => {
      const query = { ...filter, applicationId: app, limit: PAGE_SIZE, cursor };
      return dataOf(api.GET('/v1/notifications', { params: { query }, signal }));
    },
  });
  return (
    <Rows
      label={t('notifications')}
      columns={columns}
      pages={pages}
      link={({ id }) => ({ to: '/apps/$app/notifications/$notification', params: { app, notification: id } })}
      {...(!isFiltered && { empty: t('noneYet') })}
    />
  );
}

function useColumns(): Column<NotificationSummary>[] {
  const t = useTexts(notificationTexts);
  const format = useFormats();
  return useMemo(() => columnsOf(t, format), [t, format]);
}

function columnsOf(
  t: ReturnType<typeof useTexts<(typeof notificationTexts)['en']>>,
  format: ReturnType<typeof useFormats>,
): Column<NotificationSummary>[] {
  return [
    {
      id: 'title',
      header: t('notification'),
      width: 'minmax(120px, 3fr)',
      cell: ({ content }) => content.title || content.body || t('noText'),
    },
    { id: 'status', header: t('status'), width: '104px', cell: ({ status }) => <Status status={status} /> },
    {
      id: 'audience',
      header: t('audience'),
      width: 'minmax(120px, 2fr)',
      cell: ({ audience }) => audienceInWords(t, format, audienceOf(audience)),
      isExtra: true,
    },
    { id: 'lane', header: t('lane'), width: '72px', cell: ({ lane }) => t(lane), isExtra: true },
    {
      id: 'devices',
      header: t('devices'),
      width: '80px',
      isNumber: true,
      cell: ({ counts }) => (counts.planned === 0 ? '–' : format.number(counts.planned)),
      isExtra: true,
    },
    {
      id: 'accepted',
      header: t('accepted'),
      width: '80px',
      isNumber: true,
      cell: ({ counts }) => (counts.planned === 0 ? '–' : format.percent(counts.accepted / counts.planned)),
      isExtra: true,
    },
    {
      id: 'failed',
      header: t('failed'),
      width: '72px',
      isNumber: true,
      cell: ({ counts }) => (counts.planned === 0 ? '–' : format.number(counts.failed)),
      isExtra: true,
    },
    {
      id: 'created',
      header: t('created'),
      width: '96px',
      isNumber: true,
      cell: ({ createdAt }) => <Time at={createdAt} />,
    },
  ];
}
