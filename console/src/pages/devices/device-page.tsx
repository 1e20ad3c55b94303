import { Group, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { api, dataOf } from '../../api/client.js';
import { useMay } from '../../api/session.js';
import { Beside, Fact, Facts } from '../../components/facts.js';
import { RouteLink } from '../../components/links.js';
import { Page, Section } from '../../components/page.js';
import { PageProblem } from '../../components/problem-alert.js';
import { Rows } from '../../components/rows.js';
import { ProviderName, Status } from '../../components/status.js';
import { usePages } from '../../components/use-pages.js';
import { Id, Time } from '../../components/values.js';
import { useLanguage, useTexts } from '../../i18n/language.js';
import { toUser } from '../../shell/find.js';
import { linkOf } from '../deliveries/delivery.js';
import { useDeliveryColumns } from '../deliveries/delivery-columns.js';
import { Why } from '../deliveries/why.js';
import { type Device, deviceQuery } from './device.js';
import { DeviceHistory } from './device-history.js';
import { deviceTexts } from './devices.i18n.js';
import { TestPush } from './test-push.js';

const ROUTE = '/inside/apps/$app/devices/$device';
const PAGE_SIZE = 100;

/** One device: what it is, what happened to it, what it was sent. */
export function DevicePage() {
  const t = useTexts(deviceTexts);
  const { app, device: id } = useParams({ from: ROUTE });
  const mayOperate = useMay('operator');
  const { data: device, error, refetch } = useQuery(deviceQuery(app, id));
  if (error && device === undefined) return <PageProblem error={error} reset={() => void refetch()} />;
  if (device === undefined) return <Skeleton height={480} />;
  if (device === null) {
    return (
      <Page title={t('removedTitle')} about={<Id id={id} />}>
        <Text size="sm">{t('removed')}</Text>
        <DeviceHistory app={app} device={id} />
      </Page>
    );
  }
  return (
    <Page
      title={`${t('device')} ${id.slice(0, 8)}`}
      about={<About app={app} device={device} />}
      actions={mayOperate && <TestPush app={app} device={device} />}
    >
      <WhyHere app={app} id={id} />
      <Beside>
        <Deliveries app={app} id={id} />
        <DeviceFacts device={device} />
      </Beside>
      <DeviceHistory app={app} device={id} />
    </Page>
  );
}

function About({ app, device: { status, provider, userId } }: { app: string; device: Device }) {
  const t = useTexts(deviceTexts);
  return (
    <Group gap="md" mt={4}>
      <Status status={status} />
      <ProviderName provider={provider} />
      {userId === null ? (
        <span>{t('noUser')}</span>
      ) : (
        <RouteLink {...toUser(app, userId)} style={{ overflowWrap: 'anywhere' }}>
          {userId}
        </RouteLink>
      )}
    </Group>
  );
}

function WhyHere({ app, id }: { app: string; id: string }) {
  const { at, within } = useSearch({ from: ROUTE });
  const navigate = useNavigate({ from: '/apps/$app/devices/$device' });
  return (
    <Why
      app={app}
      whose={{ deviceId: id }}
      at={at}
      within={within}
      onChange={(moment) => void navigate({ search: moment })}
    />
  );
}

function Deliveries({ app, id }: { app: string; id: string }) {
  const t = useTexts(deviceTexts);
  const { language } = useLanguage();
  const columns = useDeliveryColumns('device');
  const pages = usePages({
    key: ['deliveries of', app, id, language],
    pageSize: PAGE_SIZE,
    load: (cursor, signal) =>
      dataOf(
        api.GET('/v1/devices/{id}/deliveries', {
          params: { path: { id }, query: { applicationId: app, limit: PAGE_SIZE, ...(cursor && { cursor }) } },
          signal,
        }),
      ),
  });
  return (
    <Section title={t('deliveries')}>
      <Rows
        label={t('deliveries')}
        columns={columns}
        pages={pages}
        link={(delivery) => linkOf(app, delivery)}
        empty={t('noDeliveries')}
        height="300px"
      />
    </Section>
  );
}

function DeviceFacts({ device }: { device: Device }) {
  const t = useTexts(deviceTexts);
  const tags = Object.entries(device.tags).map(([name, value]) => `${name}=${value}`);
  const optional = [
    ['environment', device.environment],
    ['locale', device.locale],
    ['timeZone', device.timeZone],
    ['appVersion', device.appVersion],
  ] as const;
  return (
    <Section title={t('facts')}>
      <Facts>
        <Fact name={t('id')}>
          <Id id={device.id} label={t('id')} />
        </Fact>
        <Fact name={t('fingerprint')}>
          <Id id={device.tokenFingerprint} label={t('fingerprint')} />
        </Fact>
        <Fact name={t('registered')}>
          <Time at={device.registeredAt} exact />
        </Fact>
        {device.invalidAt !== null && (
          <Fact name={t('invalidAt')}>
            <Time at={device.invalidAt} exact /> · <span className="mono">{device.invalidReason}</span>
          </Fact>
        )}
        <Fact name={t('topics')}>{device.topics.length === 0 ? t('noTopics') : device.topics.join(', ')}</Fact>
        <Fact name={t('tags')}>{tags.length === 0 ? t('noTags') : tags.join(', ')}</Fact>
        {optional.map(
          ([name, value]) =>
            value !== null && (
              <Fact key={name} name={t(name)}>
                {value}
              </Fact>
            ),
        )}
      </Facts>
    </Section>
  );
}
