import type { ReactNode } from 'react';
import { api, dataOf } from '../../api/client.js';
import { type Column, Rows } from '../../components/rows.js';
import { ProviderName, Status } from '../../components/status.js';
import { usePages } from '../../components/use-pages.js';
import { Time } from '../../components/values.js';
import { useTexts } from '../../i18n/language.js';
import type { Device, DeviceFilters } from './device.js';
import { deviceTexts } from './devices.i18n.js';

const PAGE_SIZE = 100;
const DIGITS = 12;

interface DeviceRowsProps {
  app: string;
  filters: DeviceFilters;
  empty: ReactNode;
  height?: string;
}

/** The devices that fit, in the order of their first registration. */
export function DeviceRows({ app, filters, empty, height }: DeviceRowsProps) {
  const t = useTexts(deviceTexts);
  const pages = usePages({
    key: ['devices', app, filters],
    pageSize: PAGE_SIZE,
    load: (cursor, signal) =>
      dataOf(
        api.GET('/v1/devices', {
          params: { query: { ...filters, applicationId: app, limit: PAGE_SIZE, ...(cursor && { cursor }) } },
          signal,
        }),
      ),
  });
  const columns: Column<Device>[] = [
    { id: 'id', header: t('device'), width: '92px', cell: ({ id }) => <span className="mono">{id.slice(0, 8)}</span> },
    ...(filters.userId === undefined
      ? [{ id: 'user', header: t('user'), width: 'minmax(0, 2fr)', cell: ({ userId }: Device) => userId ?? '–' }]
      : []),
    {
      id: 'provider',
      header: t('provider'),
      width: '84px',
      isExtra: true,
      cell: ({ provider }) => <ProviderName provider={provider} />,
    },
    { id: 'status', header: t('status'), width: '84px', cell: ({ status }) => <Status status={status} /> },
    {
      id: 'topics',
      header: t('topics'),
      width: 'minmax(0, 2fr)',
      isExtra: true,
      cell: ({ topics }) => topics.join(', '),
    },
    {
      id: 'fingerprint',
      header: t('fingerprint'),
      width: '128px',
      isExtra: true,
      cell: ({ tokenFingerprint }) => <span className="mono">{tokenFingerprint.slice(0, DIGITS)}</span>,
    },
    {
      id: 'registered',
      header: t('registered'),
      width: '116px',
      isExtra: true,
      cell: ({ registeredAt }) => <Time at={registeredAt} />,
    },
  ];
  return (
    <Rows
      label={t('list')}
      columns={columns}
      pages={pages}
      link={({ id }) => ({ to: '/apps/$app/devices/$device', params: { app, device: id } })}
      empty={empty}
      {...(height !== undefined && { height })}
    />
  );
}
