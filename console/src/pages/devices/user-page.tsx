import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { RouteButton } from '../../components/links.js';
import { Page, Section } from '../../components/page.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { Why } from '../deliveries/why.js';
import { userQuery } from './device.js';
import { DeviceRows } from './device-rows.js';
import { deviceTexts } from './devices.i18n.js';

const ROUTE = '/inside/apps/$app/users/$user';

/** One person: why the phone did not ring, and which devices there are. */
export function UserPage() {
  const t = useTexts(deviceTexts);
  const format = useFormats();
  const { app, user } = useParams({ from: ROUTE });
  const { at, within } = useSearch({ from: ROUTE });
  const navigate = useNavigate({ from: '/apps/$app/users/$user' });
  const { data: known } = useQuery(userQuery(app, user));
  const counts = {
    devices: format.number(known?.devices ?? 0),
    active: format.number(known?.activeDevices ?? 0),
  };
  return (
    <Page
      title={user}
      about={known === undefined ? '…' : t('user_devices', counts)}
      actions={
        <RouteButton to="/apps/$app/deliveries" params={{ app }} search={{ userId: user }} variant="default">
          {t('failed')}
        </RouteButton>
      }
    >
      <Why
        app={app}
        whose={{ userId: user }}
        at={at}
        within={within}
        onChange={(moment) => void navigate({ search: moment })}
      />
      <Section title={t('ofUser')}>
        <DeviceRows app={app} filters={{ userId: user }} empty={t('noneOfUser')} height="180px" />
      </Section>
    </Page>
  );
}
