import type { Client } from 'pg';
import { encodeCursor } from '../../src/http/pagination.js';
import type { ConsoleData } from './data.js';

/** One kind of request that the console makes. */
export interface Kind {
  title: string;
  /** A path; another one each time, where there is something to vary. */
  path: () => string;
}

interface SampledDevice {
  id: string;
  fingerprint: string;
  userId: string;
}

interface SampledDelivery {
  notificationId: string;
  deviceId: string;
}

/** What to ask for by name: some devices of all, one that was sent much, and some deliveries that failed. */
export interface Samples {
  devices: readonly SampledDevice[];
  busyDevice: string;
  deliveries: readonly SampledDelivery[];
}

const COLUMNS = `public_id as id, encode(token_hash, 'hex') as fingerprint, user_id as "userId"`;

export async function takeSamples(db: Client): Promise<Samples> {
  const some = await db.query<SampledDevice>(
    `select ${COLUMNS} from device where user_id is not null and id % 997 = 5 order by id limit 1000`,
  );
  const busy = await db.query<SampledDevice>(`select ${COLUMNS} from device where user_id = 'qa' order by id limit 1`);
  const [busiest] = busy.rows;
  if (!busiest) throw new Error('there is no busy device');
  const deliveries = await db.query<SampledDelivery>(
    `select a.notification_id as "notificationId", d.public_id as "deviceId"
     from delivery_attempt a join device d on d.id = a.device_id where a.status_after = 'failed' and d.id % 7 = 3 limit 500`,
  );
  return { devices: some.rows, busyDevice: busiest.id, deliveries: deliveries.rows };
}

/** Every list and search with the filters that the console has, from the first page and from deep inside. */
export function kindsOf(
  applicationId: string,
  data: ConsoleData,
  { devices, busyDevice, deliveries }: Samples,
): Kind[] {
  const first = data.campaigns[0];
  const last = data.campaigns.at(-1);
  if (!first || !last) throw new Error('there are no campaigns');
  const pick = <T>(all: readonly T[]): T => {
    const one = all[Math.floor(Math.random() * all.length)];
    if (one === undefined) throw new Error('there is nothing to pick from');
    return one;
  };
  const moment = () => new Date(first.at.getTime() + Math.random() * (last.at.getTime() - first.at.getTime()));
  const cursor = (...key: (string | number)[]) => `cursor=${encodeCursor(key)}`;
  const deviceNumber = () => 1 + Math.floor(Math.random() * data.devices);
  // Postgres's microseconds.
  const deepTime = () => cursor(moment().toISOString().replace('Z', '000Z'), pick(data.campaigns).id, deviceNumber());
  const from = `from=${new Date(first.at.getTime() - 1_000).toISOString()}`;
  const campaign = () => `/v1/notifications/${pick(data.campaigns).id}`;
  const of = (title: string, path: () => string): Kind => ({ title, path });

  return [
    of('the overview', () => `/v1/applications/${applicationId}/overview`),
    of('the audit log', () => `/v1/audit?applicationId=${applicationId}`),
    of('notifications', () => '/v1/notifications'),
    of('notifications, deep', () => `/v1/notifications?${cursor(pick(data.singles))}`),
    of('notifications, being sent', () => '/v1/notifications?status=sending'),
    of('notifications, cancelled (none)', () => '/v1/notifications?status=cancelled'),
    of('notifications, lane bulk, a day', () => {
      const at = moment();
      return `/v1/notifications?lane=bulk&from=${at.toISOString()}&to=${new Date(at.getTime() + 86_400_000).toISOString()}`;
    }),
    of('notifications, text of one', () => `/v1/notifications?text=${Math.floor(Math.random() * data.singles.length)}`),
    of('notifications, text of none', () => '/v1/notifications?text=nowhere'),
    of('one campaign', campaign),
    of('the campaign that is being sent', () => `/v1/notifications/${last.id}`),
    of('its failures by code', () => `${campaign()}/failures`),
    of('its timeline', () => `${campaign()}/timeline`),
    of('one delivery, explained', () => {
      const { notificationId, deviceId } = pick(deliveries);
      return `/v1/notifications/${notificationId}/deliveries/${deviceId}`;
    }),
    of('why, a user', () => `/v1/deliveries/why?userId=${pick(devices).userId}`),
    of(
      'why, a user, at a time',
      () => `/v1/deliveries/why?userId=${pick(devices).userId}&at=${moment().toISOString()}`,
    ),
    of('why, a user of 20 busy devices', () => '/v1/deliveries/why?userId=qa'),
    of('why, a busy device', () => `/v1/deliveries/why?deviceId=${busyDevice}`),
    of('deliveries of a campaign', () => `${campaign()}/deliveries`),
    of('… deep', () => `${campaign()}/deliveries?${cursor(deviceNumber())}`),
    of('… failed, deep', () => `${campaign()}/deliveries?status=failed&${cursor(deviceNumber())}`),
    of(
      '… accepted, a provider, deep',
      () => `${campaign()}/deliveries?status=accepted&provider=webpush&${cursor(deviceNumber())}`,
    ),
    of('… by a code, deep', () => `${campaign()}/deliveries?code=UNREGISTERED&${cursor(deviceNumber())}`),
    of('… by a code that none has', () => `${campaign()}/deliveries?code=nowhere`),
    of('… cancelled (none)', () => `${campaign()}/deliveries?status=cancelled`),
    of(
      '… pending, while it is being sent',
      () => `/v1/notifications/${last.id}/deliveries?status=pending&${cursor(deviceNumber())}`,
    ),
    of('deliveries of a device', () => `/v1/devices/${pick(devices).id}/deliveries`),
    of('deliveries of a busy device', () => `/v1/devices/${busyDevice}/deliveries`),
    of('search, failed', () => '/v1/deliveries'),
    of('search, failed, deep', () => `/v1/deliveries?${from}&${deepTime()}`),
    of('search, by a code, deep', () => `/v1/deliveries?code=INVALID_ARGUMENT&provider=apns&${from}&${deepTime()}`),
    of('search, by a rare code', () => `/v1/deliveries?code=SENDER_ID_MISMATCH&${from}`),
    of('search, by a code that none has', () => `/v1/deliveries?code=nowhere&${from}`),
    of('search, expired, deep', () => `/v1/deliveries?status=expired&${from}&${deepTime()}`),
    of('search, pending', () => `/v1/deliveries?status=pending&${from}`),
    of('search, pending, deep', () => `/v1/deliveries?status=pending&${from}&${deepTime()}`),
    of('search, a user, accepted', () => `/v1/deliveries?status=accepted&userId=${pick(devices).userId}&${from}`),
    of('search, a user, failed', () => `/v1/deliveries?userId=${pick(devices).userId}&${from}`),
    of(
      'search, a user of 20 busy devices, deep',
      () => `/v1/deliveries?status=accepted&userId=qa&${from}&${deepTime()}`,
    ),
    of('devices', () => '/v1/devices'),
    of('devices, deep', () => `/v1/devices?${cursor(deviceNumber())}`),
    of('devices, a provider, deep', () => `/v1/devices?provider=webpush&${cursor(deviceNumber())}`),
    of('devices, invalid, deep', () => `/v1/devices?status=invalid&${cursor(deviceNumber())}`),
    of('devices, refused', () => '/v1/devices?status=refused'),
    of('devices, refused, a provider', () => '/v1/devices?status=refused&provider=webpush'),
    of('devices, a topic, deep', () => `/v1/devices?topic=news&${cursor(deviceNumber())}`),
    of('devices, a small topic', () => '/v1/devices?topic=vip'),
    of('devices, a topic, refused', () => '/v1/devices?topic=news&status=refused'),
    of('devices, a small topic, invalid', () => '/v1/devices?topic=vip&status=invalid'),
    of('devices, a user', () => `/v1/devices?userId=${pick(devices).userId}`),
    of('devices, a token fingerprint', () => `/v1/devices?tokenFingerprint=${pick(devices).fingerprint}`),
    of('devices, the beginning of one', () => `/v1/devices?tokenFingerprint=${pick(devices).fingerprint.slice(0, 8)}`),
    of('one device', () => `/v1/devices/${pick(devices).id}`),
    of('history of a device', () => `/v1/devices/${pick(devices).id}/history`),
    of('users', () => '/v1/users'),
    of('users, a prefix', () => `/v1/users?prefix=${pick(devices).userId.slice(0, 9)}`),
    of('users, deep', () => `/v1/users?prefix=user-&${cursor(pick(devices).userId)}`),
    of('users, a prefix that none has', () => '/v1/users?prefix=nowhere'),
  ];
}
