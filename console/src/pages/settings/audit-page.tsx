import { Button, Group, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import type { paths } from '../../api/schema.js';
import { Page } from '../../components/page.js';
import { type Column, Rows } from '../../components/rows.js';
import { usePages } from '../../components/use-pages.js';
import { Time } from '../../components/values.js';
import { useTexts } from '../../i18n/language.js';
import { auditTexts } from './audit.i18n.js';

type Entry = paths['/v1/audit']['get']['responses'][200]['content']['application/json']['items'][number];
type TextName = keyof typeof auditTexts.en;

const route = getRouteApi('/inside/apps/$app/audit');
const PAGE_SIZE = 100;
/** Keys whose names are known here; others are shown by their ids. */
const MOST_KEYS = 1_000;
const KINDS = ['application', 'api_key', 'credential', 'webhook', 'notification', 'device', 'account'] as const;
const ACTORS: ReadonlySet<string> = new Set(['bootstrap', 'system', 'console']);

export function AuditPage() {
  const t = useTexts(auditTexts);
  const { app } = route.useParams();
  const filters = route.useSearch();
  const { by, action } = filters;
  const isEverywhere = filters.where === 'all';
  const pages = usePages<Entry>({
    key: ['audit', isEverywhere ? 'all' : app, by, action],
    pageSize: PAGE_SIZE,
    load: (cursor, signal) => {
      const query = {
        limit: PAGE_SIZE,
        ...(cursor !== undefined && { cursor }),
        ...(!isEverywhere && { applicationId: app }),
        ...(by !== undefined && { by }),
        ...(action !== undefined && { action }),
      };
      return dataOf(api.GET('/v1/audit', { params: { query }, signal }));
    },
  });
  return (
    <Page title={t('title')} about={t('about')}>
      <Filters key={JSON.stringify(filters)} app={app} filters={filters} />
      <Rows label={t('title')} columns={useColumns(app)} pages={pages} empty={t('none')} />
    </Page>
  );
}

interface AuditSearch {
  by?: string;
  action?: string;
  where?: string;
}

function given(search: AuditSearch): AuditSearch {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== ''));
}

function Filters({ app, filters }: { app: string; filters: AuditSearch }) {
  const t = useTexts(auditTexts);
  const navigate = useNavigate();
  const [by, setBy] = useState(filters.by ?? '');
  const show = (changes: AuditSearch) =>
    navigate({ to: '/apps/$app/audit', params: { app }, search: given({ ...filters, ...changes }) });
  function submit(event: FormEvent) {
    event.preventDefault();
    void show({ by: by.trim() });
  }
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="sm">
        <TextInput
          label={t('by')}
          placeholder={t('byAbout')}
          value={by}
          onChange={(event) => setBy(event.currentTarget.value)}
          w={{ base: '100%', xs: 280 }}
        />
        <Select
          label={t('action')}
          data={[{ value: '', label: t('every') }, ...KINDS.map((kind) => ({ value: kind, label: t(kind) }))]}
          value={filters.action ?? ''}
          onChange={(action) => show({ action: action ?? '' })}
          w={{ base: '100%', xs: 190 }}
        />
        <Select
          label={t('where')}
          data={[
            { value: '', label: t('here') },
            { value: 'all', label: t('everywhere') },
          ]}
          value={filters.where ?? ''}
          onChange={(where) => show({ where: where ?? '' })}
          w={{ base: '100%', xs: 190 }}
        />
        <Button type="submit" variant="default">
          {t('search')}
        </Button>
      </Group>
    </form>
  );
}

/** What is done in words; actions that came later than this page by their own name. */
function useActions(): (action: string) => string {
  const t = useTexts(auditTexts);
  return (action) => {
    const [what = action, fields] = action.split(':');
    const words = isText(what) ? t(what) : what;
    return fields === undefined ? words : `${words} (${fields.split(',').join(', ')})`;
  };
}

function isText(name: string): name is TextName {
  return Object.hasOwn(auditTexts.en, name);
}

function useColumns(app: string): Column<Entry>[] {
  const t = useTexts(auditTexts);
  const say = useActions();
  const { data: keys = [] } = useQuery({
    queryKey: ['keys', app, 'names'],
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const params = { path: { id: app }, query: { limit: MOST_KEYS } };
      return (await dataOf(api.GET('/v1/applications/{id}/keys', { params, signal }))).items;
    },
  });
  function nameOf(keyId: string): string {
    const key = keys.find(({ id }) => id === keyId);
    return key ? t('keyOf', { name: key.name || `${key.prefix}…` }) : keyId;
  }
  function who({ accountEmail, accountId, keyId }: Entry): string {
    if (accountId !== null) return accountEmail ?? accountId;
    return ACTORS.has(keyId) && isText(keyId) ? t(keyId) : nameOf(keyId);
  }
  return [
    { id: 'at', header: t('at'), cell: ({ at }) => <Time at={at} />, width: '110px' },
    {
      id: 'by',
      header: t('by'),
      cell: (entry) => <span title={entry.accountId ?? entry.keyId}>{who(entry)}</span>,
      width: 'minmax(100px, 2fr)',
    },
    {
      id: 'action',
      header: t('action'),
      cell: ({ action }) => <span title={action}>{say(action)}</span>,
      width: 'minmax(100px, 2fr)',
    },
    {
      id: 'subject',
      header: t('subject'),
      cell: ({ subject }) => <span className="mono">{subject}</span>,
      width: 'minmax(120px, 3fr)',
      isExtra: true,
    },
  ];
}
