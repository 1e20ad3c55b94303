import { randomBytes } from 'node:crypto';
import { stableUuids } from '../src/providers/derive.js';

/** How many different devices the requests are for; more would only make preparing them slower. */
export const DEVICES = 200;
/** Requests in flight at any time, of every contender. */
export const IN_FLIGHT = 100;

export type Kind = 'fcm' | 'apns';

/** As on the wire. */
export interface SampleRequest {
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

export const FCM_PATH = '/v1/projects/bench/messages:send';
export const FCM_ANSWER = '{\n  "name": "projects/bench/messages/0:1700000000000000%a1b2c3d4e5f60718"\n}\n';

/** As long as Google's, with nothing secret in it. */
export const ACCESS_TOKEN = `ya29.${'c0ffee'.repeat(35)}`;
/** As long as the one that Apple's own example makes. */
const PROVIDER_TOKEN = `${'eyJhbGciOiJFUzI1NiIsImtpZCI6IkFCQ0RFRkdISUoifQ'}.${'b'.repeat(56)}.${'c'.repeat(86)}`;

/** FCM registration tokens are some 160 characters long. */
export function fcmToken(device: number): string {
  return `d${String(device).padStart(21, '0')}:APA91b${'Zx9'.repeat(44)}${String(device).padStart(4, '0')}`;
}

/** 64 hexadecimal digits, the same ones in every process. */
export function apnsToken(device: number): string {
  return device.toString(16).padStart(8, '0').repeat(8);
}

/** What nghttpd needs to answer as FCM and APNs do: a file for each path. */
export function sampleFiles(): Record<string, string> {
  const files: Record<string, string> = { [FCM_PATH.slice(1)]: FCM_ANSWER };
  for (let device = 0; device < DEVICES; device += 1) files[`3/device/${apnsToken(device)}`] = '';
  return files;
}

/** One request for each of {@link DEVICES} devices. */
export function sampleRequests(kind: Kind): SampleRequest[] {
  const run = randomBytes(16).toString('hex');
  return Array.from({ length: DEVICES }, (_, device) =>
    kind === 'fcm' ? fcmRequest(device) : apnsRequest(device, run),
  );
}

function fcmRequest(device: number): SampleRequest {
  const notification = { title: 'Your order is on its way', body: 'It will be at your door between 14:00 and 16:00' };
  const android = { priority: 'high', ttl: '3600s', collapse_key: 'order-4711' };
  const message = { token: fcmToken(device), notification, data: { orderId: '4711' }, android };
  return {
    path: FCM_PATH,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ACCESS_TOKEN}` },
    body: Buffer.from(JSON.stringify({ message })),
  };
}

function apnsRequest(device: number, run: string): SampleRequest {
  const alert = { title: 'Your order is on its way', body: 'It will be at your door between 14:00 and 16:00' };
  return {
    path: `/3/device/${apnsToken(device)}`,
    headers: {
      'apns-topic': 'com.example.app',
      'apns-push-type': 'alert',
      'apns-priority': '10',
      'apns-expiration': '1800000000',
      'apns-collapse-id': 'order-4711',
      'apns-id': stableUuids(run)(String(device)),
      authorization: `bearer ${PROVIDER_TOKEN}`,
    },
    body: Buffer.from(JSON.stringify({ aps: { alert, sound: 'default' }, orderId: '4711' })),
  };
}
