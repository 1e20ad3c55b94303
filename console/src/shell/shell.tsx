import { AppShell, Box, Burger, Group, ScrollArea, Select, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useNavigate, useParams, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { sessionQuery, useMay } from '../api/session.js';
import { MenuLink } from '../components/links.js';
import { useTexts } from '../i18n/language.js';
import { AccountMenu } from './account-menu.js';
import { applicationsQuery, rememberApplication } from './applications.js';
import { FindBox } from './find-box.js';
import { shellTexts } from './shell.i18n.js';

/** What a link of the menu is: exact ones are current on their own page only. */
const exactly = { exact: true, includeSearch: false };
const below = { exact: false, includeSearch: false };

/** What surrounds every page: where one is, which application, who is signed in. */
export function Shell() {
  const t = useTexts(shellTexts);
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const session = useQuery(sessionQuery);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const navigate = useNavigate();
  const href = useRouterState({ select: ({ location }) => location.href });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes when the page changes
  useEffect(close, [path]);
  const isSignedOut = session.data === null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, with the address of that moment and not of the sign-in page
  useEffect(() => {
    if (isSignedOut) void navigate({ to: '/sign-in', search: { next: href }, replace: true });
  }, [isSignedOut]);
  if (isSignedOut) return null;

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <AppShell.Header>
        <a className="skip" href="#content">
          {t('skip')}
        </a>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              color="var(--mantine-color-text)"
              aria-label={t('menu')}
            />
            <Text fw={700} visibleFrom="xs">
              Carillon
            </Text>
            <ApplicationSelect />
          </Group>
          <Find />
          <AccountMenu />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t('pages')}>
        <Find isInMenu />
        <ScrollArea type="auto">
          <Menu />
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  );
}

function useApplication(): string | undefined {
  return useParams({ strict: false }).app;
}

/** The application that is looked at; elsewhere the one that the menu leads to. */
function useMenuApplication(): string | undefined {
  const { data: applications = [] } = useQuery(applicationsQuery);
  return useApplication() ?? applications[0]?.id;
}

/** On a phone the header has no place for it, so it stands in the menu. */
function Find({ isInMenu = false }: { isInMenu?: boolean }) {
  const app = useMenuApplication();
  if (app === undefined) return null;
  return (
    <Box {...(isInMenu ? { hiddenFrom: 'sm', pb: 'xs' } : { visibleFrom: 'sm', flex: 1, display: 'flex' })}>
      <FindBox app={app} isMain={!isInMenu} />
    </Box>
  );
}

function ApplicationSelect() {
  const t = useTexts(shellTexts);
  const app = useApplication();
  const navigate = useNavigate();
  const { data = [] } = useQuery(applicationsQuery);
  useEffect(() => {
    if (app !== undefined) rememberApplication(app);
  }, [app]);
  return (
    <Select
      aria-label={t('application')}
      placeholder={t('application')}
      data={data.map(({ id, name }) => ({ value: id, label: name }))}
      value={app ?? null}
      onChange={(id) => id !== null && navigate({ to: '/apps/$app', params: { app: id } })}
      searchable={data.length > 10}
      w={{ base: 150, sm: 220 }}
      size="xs"
    />
  );
}

function Menu() {
  const t = useTexts(shellTexts);
  const app = useMenuApplication();
  const mayOperate = useMay('operator');
  const isOwner = useMay('owner');
  return (
    <>
      {app !== undefined && (
        <>
          <MenuLink to="/apps/$app" params={{ app }} activeOptions={exactly} label={t('overview')} />
          <MenuLink to="/apps/$app/notifications" params={{ app }} activeOptions={below} label={t('notifications')} />
          <MenuLink to="/apps/$app/deliveries" params={{ app }} activeOptions={below} label={t('deliveries')} />
          <MenuLink to="/apps/$app/devices" params={{ app }} activeOptions={below} label={t('devices')} />
          {mayOperate && (
            <MenuLink to="/apps/$app/compose" params={{ app }} activeOptions={below} label={t('compose')} />
          )}
          <MenuLink to="/apps/$app/settings" params={{ app }} activeOptions={below} label={t('settings')} />
          <MenuLink to="/apps/$app/audit" params={{ app }} activeOptions={below} label={t('audit')} />
        </>
      )}
      <Text size="xs" c="dimmed" fw={600} px="sm" pt="md" pb={4}>
        {t('installation')}
      </Text>
      <MenuLink to="/applications" activeOptions={below} label={t('applications')} />
      <MenuLink to="/queues" activeOptions={below} label={t('queues')} />
      {isOwner && <MenuLink to="/accounts" activeOptions={below} label={t('accounts')} />}
    </>
  );
}
