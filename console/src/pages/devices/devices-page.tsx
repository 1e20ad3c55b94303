import { Button, Text } from '@mantine/core';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { api, dataOf } from '../../api/client.js';
import { componentTexts } from '../../components/components.i18n.js';
import { ChoiceFilter, Filters, ProviderFilter, TextFilter } from '../../components/filters.js';
import { Page, Section } from '../../components/page.js';
import { type Column, Rows } from '../../components/rows.js';
import { usePages } from '../../components/use-pages.js';
import { Id, Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { toUser } from '../../shell/find.js';
import { FindBox } from '../../shell/find-box.js';
import type { DeviceFilters } from './device.js';
import { DeviceRows } from './device-rows.js';
import { deviceTexts } from './devices.i18n.js';

const ROUTE = '/inside/apps/$app/devices';
const PROVIDERS = ['fcm', 'apns', 'webpush'] as const;
const STATUSES = ['active', 'invalid', 'refused'] as const;
const PAGE_SIZE = 100;

interface User {
  userId: string;
  devices: number;
  activeDevices: number;
  lastRegisteredAt: string;
}

/** Finds a person, a device or a token, and lists devices. */
export function DevicesPage() {
  const t = useTexts(deviceTexts);
  const { app } = useParams({ from: ROUTE });
  const { search } = useSearch({ from: ROUTE });
  const filters = useFilters();
  return (
    <Page title={t('title')} about={t('about')}>
      <FindBox app={app} size="md" />
      {search === undefined ? (
        <>
          <FilterBar filters={filters} />
          <DeviceRows
            app={app}
            filters={filters}
            empty={t(filters.tokenFingerprint === undefined ? 'none' : 'noneOfFingerprint')}
          />
        </>
      ) : (
        <Section title={t('users', { prefix: search })}>
          <UserRows app={app} prefix={search} />
        </Section>
      )}
    </Page>
  );
}

/** What the address asks for, without words that are none of ours. */
function useFilters(): DeviceFilters {
  const { provider, status, search: _, ...rest } = useSearch({ from: ROUTE });
  const [knownProvider, knownStatus] = [
    PROVIDERS.find((each) => each === provider),
    STATUSES.find((each) => each === status),
  ];
  return { ...rest, ...(knownProvider && { provider: knownProvider }), ...(knownStatus && { status: knownStatus }) };
}

function FilterBar({ filters }: { filters: DeviceFilters }) {
  const t = useTexts(deviceTexts);
  const words = useTexts(componentTexts);
  const navigate = useNavigate({ from: '/apps/$app/devices' });
  const set = (name: keyof DeviceFilters) => (value: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, [name]: value }) });
  return (
    <Filters>
      <ProviderFilter value={filters.provider} width={120} onChange={set('provider')} />
      <ChoiceFilter
        label={t('status')}
        value={filters.status}
        choices={STATUSES.map((value) => ({ value, label: words(value) }))}
        onChange={set('status')}
      />
      <TextFilter label={t('topic')} value={filters.topic} onChange={set('topic')} />
      <TextFilter label={t('user')} value={filters.userId} onChange={set('userId')} />
      <Button variant="subtle" size="xs" onClick={() => void navigate({ search: {} })}>
        {t('clear')}
      </Button>
      {filters.tokenFingerprint !== undefined && (
        <Text component="div" size="sm">
          {t('fingerprint')} <Id id={filters.tokenFingerprint} short label={t('fingerprint')} />
        </Text>
      )}
    </Filters>
  );
}

function UserRows({ app, prefix }: { app: string; prefix: string }) {
  const t = useTexts(deviceTexts);
  const format = useFormats();
  const pages = usePages<User>({
    key: ['users', app, prefix],
    pageSize: PAGE_SIZE,
    load: (cursor, signal) =>
      dataOf(
        api.GET('/v1/users', {
          params: { query: { prefix, applicationId: app, limit: PAGE_SIZE, ...(cursor && { cursor }) } },
          signal,
        }),
      ),
  });
  const columns: Column<User>[] = [
    { id: 'user', header: t('user'), width: 'minmax(0, 3fr)', cell: ({ userId }) => userId },
    {
      id: 'devices',
      header: t('devices'),
      width: '90px',
      isNumber: true,
      cell: ({ devices }) => format.number(devices),
    },
    {
      id: 'active',
      header: t('active'),
      width: '70px',
      isNumber: true,
      cell: ({ activeDevices }) => format.number(activeDevices),
    },
    {
      id: 'registered',
      header: t('registered'),
      width: '130px',
      isExtra: true,
      cell: ({ lastRegisteredAt }) => <Time at={lastRegisteredAt} />,
    },
  ];
  return (
    <Rows
      label={t('users', { prefix })}
      columns={columns}
      pages={pages}
      link={({ userId }) => toUser(app, userId)}
      empty={t('usersNone', { prefix })}
    />
  );
}
