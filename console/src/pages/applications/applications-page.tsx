import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, dataOf } from '../../api/client.js';
import { queries } from '../../api/queries.js';
import type { paths } from '../../api/schema.js';
import { useMay } from '../../api/session.js';
import { Page } from '../../components/page.js';
import { type Column, Rows } from '../../components/rows.js';
import { usePages } from '../../components/use-pages.js';
import { Id, Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { ApplicationActions } from './application-actions.js';
import { applicationsTexts } from './applications.i18n.js';
import { NameModal } from './name-modal.js';

export type Application = paths['/v1/applications/{id}']['get']['responses'][200]['content']['application/json'];

const PAGE_SIZE = 100;

/** The tenants of the installation. What belongs to one of them stands in its settings. */
export function ApplicationsPage() {
  const t = useTexts(applicationsTexts);
  const mayChange = useMay('owner');
  const [isMaking, making] = useDisclosure(false);
  const columns = useColumns(mayChange);
  const pages = usePages<Application>({
    key: ['applications', 'list'],
    pageSize: PAGE_SIZE,
    load: (cursor, signal) =>
      dataOf(
        api.GET('/v1/applications', { params: { query: { limit: PAGE_SIZE, ...(cursor && { cursor }) } }, signal }),
      ),
  });
  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={mayChange && <Button onClick={making.open}>{t('make')}</Button>}
    >
      <Rows
        label={t('title')}
        columns={columns}
        pages={pages}
        link={({ id }) => ({ to: '/apps/$app', params: { app: id } })}
        empty={t('empty')}
      />
      <MakeModal isOpen={isMaking} close={making.close} />
    </Page>
  );
}

function useColumns(mayChange: boolean): Column<Application>[] {
  const t = useTexts(applicationsTexts);
  const format = useFormats();
  const columns: Column<Application>[] = [
    { id: 'name', header: t('name'), width: 'minmax(140px, 2fr)', cell: ({ name }) => name },
    { id: 'id', header: t('id'), width: '330px', cell: ({ id }) => <Id id={id} />, isExtra: true },
    {
      id: 'userTokens',
      header: t('userTokens'),
      width: '110px',
      cell: ({ requireUserToken }) => t(requireUserToken ? 'required' : 'optional'),
      isExtra: true,
    },
    {
      id: 'origins',
      header: t('origins'),
      width: '80px',
      cell: ({ corsOrigins }) => format.number(corsOrigins.length),
      isNumber: true,
      isExtra: true,
    },
    { id: 'made', header: t('made'), width: '110px', cell: ({ createdAt }) => <Time at={createdAt} /> },
  ];
  if (!mayChange) return columns;
  return [
    ...columns,
    {
      id: 'actions',
      header: t('actions'),
      width: '64px',
      cell: (application) => <ApplicationActions key={application.id} application={application} />,
    },
  ];
}

function MakeModal({ isOpen, close }: { isOpen: boolean; close(): void }) {
  const t = useTexts(applicationsTexts);
  const navigate = useNavigate();
  const make = useMutation({
    meta: { showsItself: true },
    mutationFn: (name: string) => dataOf(api.POST('/v1/applications', { body: { name } })),
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries({ queryKey: ['applications'] });
      close();
      await navigate({ to: '/apps/$app/settings', params: { app: id }, search: { tab: 'credentials' } });
    },
  });
  return (
    <NameModal title={t('make')} about={t('next')} confirm={t('make')} isOpen={isOpen} close={close} naming={make} />
  );
}
