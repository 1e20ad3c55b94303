import { Button, Menu, Text } from '@mantine/core';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { api, dataOf } from '../../api/client.js';
import type { paths } from '../../api/schema.js';
import { componentTexts } from '../../components/components.i18n.js';
import {
  ChoiceFilter,
  Filters as FilterRow,
  ProviderFilter,
  TextFilter,
  TimeFilter,
} from '../../components/filters.js';
import { Nothing, Page } from '../../components/page.js';
import { Rows } from '../../components/rows.js';
import { usePages } from '../../components/use-pages.js';
import { useLanguage, useTexts } from '../../i18n/language.js';
import { deliveryTexts } from './deliveries.i18n.js';
import { DELIVERY_STATUSES, linkOf } from './delivery.js';
import { useDeliveryColumns } from './delivery-columns.js';

type Query = NonNullable<paths['/v1/deliveries']['get']['parameters']['query']>;
type Filters = Pick<Query, 'status' | 'provider' | 'code' | 'userId' | 'from' | 'to'>;

const ROUTE = '/inside/apps/$app/deliveries';
const PAGE_SIZE = 100;
const PROVIDERS = ['fcm', 'apns', 'webpush'] as const;

/** The log of a whole application: what failed, where, and why. */
export function DeliveriesPage() {
  const t = useTexts(deliveryTexts);
  const { app } = useParams({ from: ROUTE });
  const filters = useFilters();
  return (
    <Page title={t('title')} about={t('about')} actions={<ExportMenu app={app} filters={filters} />}>
      <FilterBar filters={filters} />
      {filters.status === 'accepted' && filters.userId === undefined ? (
        <Nothing>{t('acceptedNeedsUser')}</Nothing>
      ) : (
        <List app={app} filters={filters} />
      )}
    </Page>
  );
}

/** What the address asks for; words that are none of ours are left out, and failures are what people come for. */
function useFilters(): Filters {
  const { status, provider, ...rest } = useSearch({ from: ROUTE });
  const known = PROVIDERS.find((each) => each === provider);
  return {
    ...rest,
    status: DELIVERY_STATUSES.find((each) => each === status) ?? 'failed',
    ...(known && { provider: known }),
  };
}

function FilterBar({ filters }: { filters: Filters }) {
  const t = useTexts(deliveryTexts);
  const words = useTexts(componentTexts);
  const navigate = useNavigate({ from: '/apps/$app/deliveries' });
  const set = (name: keyof Filters) => (value: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, [name]: value }) });
  return (
    <FilterRow>
      <ChoiceFilter
        label={t('status')}
        width={124}
        value={filters.status}
        mayBeAny={false}
        choices={DELIVERY_STATUSES.map((value) => ({ value, label: words(value) }))}
        onChange={set('status')}
      />
      <ProviderFilter value={filters.provider} width={104} onChange={set('provider')} />
      <TextFilter label={t('code')} width={130} value={filters.code} onChange={set('code')} />
      <TextFilter label={t('user')} width={130} value={filters.userId} onChange={set('userId')} />
      <TimeFilter label={t('from')} value={filters.from} onChange={set('from')} />
      <TimeFilter label={t('to')} value={filters.to} onChange={set('to')} />
      <Button variant="subtle" size="xs" onClick={() => void navigate({ search: {} })}>
        {t('clear')}
      </Button>
    </FilterRow>
  );
}

function List({ app, filters }: { app: string; filters: Filters }) {
  const t = useTexts(deliveryTexts);
  const { language } = useLanguage();
  const columns = useDeliveryColumns('application');
  const pages = usePages({
    key: ['deliveries', app, filters, language],
    pageSize: PAGE_SIZE,
    load: (cursor, signal) =>
      dataOf(
        api.GET('/v1/deliveries', {
          params: { query: { ...filters, applicationId: app, limit: PAGE_SIZE, ...(cursor && { cursor }) } },
          signal,
        }),
      ),
  });
  return (
    <Rows
      label={t('list')}
      columns={columns}
      pages={pages}
      link={(delivery) => linkOf(app, delivery)}
      empty={t('none')}
    />
  );
}

function ExportMenu({ app, filters }: { app: string; filters: Filters }) {
  const t = useTexts(deliveryTexts);
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <Button variant="default">{t('export')}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Text size="xs" c="dimmed" px="sm" py={4}>
          {t('exportAbout')}
        </Text>
        <Menu.Item component="a" href={exportAddress(app, filters, 'csv')} download>
          {t('exportCsv')}
        </Menu.Item>
        <Menu.Item component="a" href={exportAddress(app, filters, 'ndjson')} download>
          {t('exportNdjson')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** The browser itself saves the file as it comes; the page never holds it. */
function exportAddress(app: string, filters: Filters, format: 'csv' | 'ndjson'): string {
  const given = Object.entries(filters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `/v1/deliveries/export?${new URLSearchParams([['format', format], ['applicationId', app], ...given])}`;
}
