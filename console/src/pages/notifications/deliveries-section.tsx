import { Button, Menu, Stack } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { api, dataOf } from '../../api/client.js';
import type { paths } from '../../api/schema.js';
import { componentTexts } from '../../components/components.i18n.js';
import { ChoiceFilter, Filters, ProviderFilter, TextFilter } from '../../components/filters.js';
import { Section } from '../../components/page.js';
import { type Column, Rows } from '../../components/rows.js';
import { ProviderName, Status } from '../../components/status.js';
import { usePages } from '../../components/use-pages.js';
import { Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { notificationPageTexts } from './notification.i18n.js';
import { hasEnded, type Notification, PROVIDERS, paramsOf } from './notification-queries.js';

type Delivery =
  paths['/v1/notifications/{id}/deliveries']['get']['responses'][200]['content']['application/json']['items'][number];

const STATUSES = ['pending', 'accepted', 'failed', 'expired', 'cancelled', 'suppressed', 'unknown'] as const;
const PAGE_SIZE = 200;
const REFRESH_MS = 5_000;

/** Every delivery of a notification, through millions of rows. */
export function DeliveriesSection({ app, notification }: { app: string; notification: Notification }) {
  const t = useTexts(notificationPageTexts);
  const { id } = notification;
  return (
    <div id="deliveries">
      <Section title={t('deliveries')} actions={<Export app={app} id={id} />}>
        <Stack gap="sm">
          <ListFilters />
          <List app={app} id={id} isLive={!hasEnded(notification)} />
        </Stack>
      </Section>
    </div>
  );
}

function List({ app, id, isLive }: { app: string; id: string; isLive: boolean }) {
  const t = useTexts(notificationPageTexts);
  const filter = useFilter();
  const columns = useColumns();
  const pages = usePages<Delivery>({
    key: ['notification', app, id, 'deliveries', filter],
    pageSize: PAGE_SIZE,
    refreshMs: isLive ? REFRESH_MS : undefined,
    load: (cursor, signal) => {
      const query = { ...filter, applicationId: app, limit: PAGE_SIZE, cursor };
      return dataOf(
        api.GET('/v1/notifications/{id}/deliveries', { params: { ...paramsOf(app, id).params, query }, signal }),
      );
    },
  });
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return (
    <Rows
      label={t('deliveries')}
      columns={columns}
      pages={pages}
      height="max(320px, 70vh)"
      link={({ deviceId }) =>
        deviceId === null
          ? undefined
          : {
              to: '/apps/$app/notifications/$notification/deliveries/$device',
              params: { app, notification: id, device: deviceId },
            }
      }
      {...(!isFiltered && { empty: t('noDeliveries') })}
    />
  );
}

function useFilter() {
  const { status, provider, code } = useSearch({ from: '/inside/apps/$app/notifications/$notification' });
  return {
    status: STATUSES.find((each) => each === status),
    provider: PROVIDERS.find((each) => each === provider),
    code,
  };
}

function ListFilters() {
  const t = useTexts(notificationPageTexts);
  const words = useTexts(componentTexts);
  const filter = useFilter();
  const navigate = useNavigate({ from: '/apps/$app/notifications/$notification' });
  const change = (changed: Partial<typeof filter>) =>
    navigate({ search: (before) => ({ ...before, ...changed }), replace: true, resetScroll: false });
  return (
    <Filters>
      <ChoiceFilter
        label={t('status')}
        choices={STATUSES.map((value) => ({ value, label: words(value) }))}
        value={filter.status}
        // What was accepted has no code to search for.
        onChange={(status) => change({ status, ...(status === 'accepted' && { code: undefined }) })}
      />
      <ProviderFilter
        value={filter.provider}
        onChange={(provider) => change({ provider: PROVIDERS.find((each) => each === provider) })}
      />
      {filter.status !== 'accepted' && (
        <TextFilter label={t('code')} value={filter.code} onChange={(code) => change({ code })} />
      )}
    </Filters>
  );
}

function Export({ app, id }: { app: string; id: string }) {
  const t = useTexts(notificationPageTexts);
  const { status, provider, code } = useFilter();
  const given = Object.entries({ status, provider, code, applicationId: app }).filter(
    ([, value]) => value !== undefined,
  );
  const href = (format: 'csv' | 'ndjson') =>
    `/v1/notifications/${id}/deliveries/export?${new URLSearchParams({ ...Object.fromEntries(given), format })}`;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" size="xs">
          {t('export')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href={href('csv')} download>
          {t('exportCsv')}
        </Menu.Item>
        <Menu.Item component="a" href={href('ndjson')} download>
          {t('exportNdjson')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function useColumns(): Column<Delivery>[] {
  const t = useTexts(notificationPageTexts);
  const format = useFormats();
  return useMemo(() => columnsOf(t, format), [t, format]);
}

function columnsOf(
  t: ReturnType<typeof useTexts<(typeof notificationPageTexts)['en']>>,
  format: ReturnType<typeof useFormats>,
): Column<Delivery>[] {
  return [
    {
      id: 'device',
      header: t('device'),
      width: '72px',
      cell: ({ deviceId }) => <span className="mono">{deviceId?.slice(0, 8) ?? t('deletedDevice')}</span>,
    },
    { id: 'status', header: t('status'), width: '96px', cell: ({ status }) => <Status status={status} /> },
    {
      id: 'what',
      header: t('what'),
      width: 'minmax(100px, 3fr)',
      cell: ({ explanation }) => explanation.title,
    },
    { id: 'user', header: t('user'), width: 'minmax(80px, 1fr)', cell: ({ userId }) => userId ?? '–', isExtra: true },
    {
      id: 'provider',
      header: t('provider'),
      width: '80px',
      cell: ({ provider }) => <ProviderName provider={provider} />,
      isExtra: true,
    },
    {
      id: 'code',
      header: t('code'),
      width: 'minmax(80px, 1fr)',
      cell: ({ attempts }) => <span className="mono">{attempts.at(-1)?.code ?? '–'}</span>,
      isExtra: true,
    },
    {
      id: 'attempts',
      header: t('attempts'),
      width: '72px',
      isNumber: true,
      cell: ({ attempts }) => format.number(attempts.at(-1)?.number ?? 0),
      isExtra: true,
    },
    {
      id: 'last',
      header: t('last'),
      width: '104px',
      isNumber: true,
      cell: ({ attempts }) => {
        const at = attempts.at(-1)?.at;
        return at === undefined ? '–' : <Time at={at} />;
      },
      isExtra: true,
    },
  ];
}
