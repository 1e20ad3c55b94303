import { Tabs } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Page } from '../../components/page.js';
import { useTexts } from '../../i18n/language.js';
import { CredentialsTab } from './credentials-tab.js';
import { GeneralTab } from './general-tab.js';
import { KeysTab } from './keys-tab.js';
import { settingsTexts } from './settings.i18n.js';
import { WebhooksTab } from './webhooks-tab.js';

const route = getRouteApi('/inside/apps/$app/settings');

const TABS = { keys: KeysTab, credentials: CredentialsTab, webhooks: WebhooksTab, general: GeneralTab } as const;
type Tab = keyof typeof TABS;
const NAMES = Object.keys(TABS) as Tab[];

export function SettingsPage() {
  const t = useTexts(settingsTexts);
  const { app } = route.useParams();
  const search = route.useSearch();
  const navigate = useNavigate();
  const tab = NAMES.find((name) => name === search.tab) ?? 'keys';
  const Content = TABS[tab];
  return (
    <Page title={t('title')}>
      <Tabs
        value={tab}
        onChange={(next) => navigate({ to: '/apps/$app/settings', params: { app }, search: { tab: next ?? 'keys' } })}
      >
        <Tabs.List mb="md">
          {NAMES.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {t(name)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>
          <Content key={app} app={app} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
