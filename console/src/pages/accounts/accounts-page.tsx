import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import { type Account, sessionQuery, useMay } from '../../api/session.js';
import { Page } from '../../components/page.js';
import { type Column, Rows } from '../../components/rows.js';
import { Dot } from '../../components/status.js';
import { usePages } from '../../components/use-pages.js';
import { Time } from '../../components/values.js';
import { useTexts } from '../../i18n/language.js';
import { AccountActions } from './account-actions.js';
import { accountsTexts } from './accounts.i18n.js';
import { InviteModal } from './invite-modal.js';
import { type NewLink, SignInLinkModal } from './sign-in-link.js';

const PAGE_SIZE = 100;

/** Who may sign in: inviting people, their roles, ending their access. */
export function AccountsPage() {
  const t = useTexts(accountsTexts);
  const mayChange = useMay('owner');
  const [isInviting, inviting] = useDisclosure(false);
  const [link, setLink] = useState<NewLink>();
  const columns = useColumns(mayChange, setLink);
  const pages = usePages<Account>({
    key: ['accounts'],
    pageSize: PAGE_SIZE,
    load: (cursor, signal) =>
      dataOf(api.GET('/v1/accounts', { params: { query: { limit: PAGE_SIZE, ...(cursor && { cursor }) } }, signal })),
  });
  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={mayChange && <Button onClick={inviting.open}>{t('invite')}</Button>}
    >
      <Rows label={t('title')} columns={columns} pages={pages} empty={t('empty')} />
      <InviteModal isOpen={isInviting} close={inviting.close} show={setLink} />
      <SignInLinkModal link={link} close={() => setLink(undefined)} />
    </Page>
  );
}

function useColumns(mayChange: boolean, show: (link: NewLink) => void): Column<Account>[] {
  const t = useTexts(accountsTexts);
  const { data: session } = useQuery(sessionQuery);
  const own = session?.account.id;
  const columns: Column<Account>[] = [
    {
      id: 'email',
      header: t('email'),
      width: 'minmax(150px, 2fr)',
      cell: ({ id, email }) => (id === own ? `${email} (${t('you')})` : email),
    },
    { id: 'name', header: t('name'), width: 'minmax(100px, 1fr)', cell: ({ name }) => name, isExtra: true },
    { id: 'role', header: t('role'), width: '80px', cell: ({ role }) => t(role) },
    { id: 'state', header: t('state'), width: '110px', cell: (account) => <State account={account} />, isExtra: true },
    {
      id: 'signsInBy',
      header: t('signsInBy'),
      width: '100px',
      cell: ({ hasPassword }) => t(hasPassword ? 'byPassword' : 'byLink'),
      isExtra: true,
    },
    {
      id: 'lastSignIn',
      header: t('lastSignIn'),
      width: '120px',
      cell: ({ lastSignInAt }) => <Time at={lastSignInAt} />,
      isExtra: true,
    },
    {
      id: 'added',
      header: t('added'),
      width: '110px',
      cell: ({ createdAt }) => <Time at={createdAt} />,
      isExtra: true,
    },
  ];
  if (!mayChange) return columns;
  return [
    ...columns,
    {
      id: 'actions',
      header: t('actions'),
      width: '64px',
      // Nobody locks himself out by a slip: another owner changes him.
      cell: (account) => account.id !== own && <AccountActions key={account.id} account={account} show={show} />,
    },
  ];
}

function State({ account: { isDisabled, lastSignInAt } }: { account: Account }) {
  const t = useTexts(accountsTexts);
  if (isDisabled) return <Dot tone="quiet">{t('disabled')}</Dot>;
  return lastSignInAt ? <Dot tone="ok">{t('active')}</Dot> : <Dot tone="waiting">{t('invited')}</Dot>;
}
