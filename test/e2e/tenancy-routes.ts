import type { Tenant } from './malformed-support.js';

export type Role = 'client' | 'server' | 'admin';

export interface RouteUse {
  roles: readonly Role[];
  /** A body that is in order. */
  body?: (tenant: Tenant) => object;
  /** The ids in the path are those of devices or notifications of this tenant. */
  id?: (tenant: Tenant) => string;
}

const application = { roles: ['admin'], id: (tenant: Tenant) => tenant.id } as const;
const device = { id: (tenant: Tenant) => tenant.devices.fcm } as const;
const notification = { roles: ['server'], id: (tenant: Tenant) => tenant.scheduled } as const;
const webhook = { roles: ['server'], id: (tenant: Tenant) => tenant.webhook } as const;
const message = () => ({ audience: { all: true }, content: { title: 'never sent' } });

/**
 * Who may call what, as the contract says it: written down here, not read from the code. A new operation needs a row;
 * an admin key may call every server operation with `?applicationId=`, an application's own admin without it.
 */
export const ROUTES: Record<string, RouteUse> = {
  'POST /v1/applications': { roles: ['admin'], body: () => ({ name: 'never made' }) },
  'GET /v1/applications': { roles: ['admin'] },
  'GET /v1/applications/{id}': application,
  'PATCH /v1/applications/{id}': { ...application, body: () => ({ name: 'never renamed' }) },
  'DELETE /v1/applications/{id}': application,
  'GET /v1/applications/{id}/keys': application,
  'POST /v1/applications/{id}/keys': { ...application, body: () => ({ role: 'admin' }) },
  'DELETE /v1/applications/{id}/keys/{keyId}': application,
  'GET /v1/applications/{id}/credentials': application,
  'GET /v1/applications/{id}/credentials/{provider}': application,
  'PUT /v1/applications/{id}/credentials/{provider}': {
    ...application,
    body: () => ({ subject: 'mailto:evil@example.com', generate: true }),
  },
  'DELETE /v1/applications/{id}/credentials/{provider}': application,
  'POST /v1/applications/{id}/credentials/{provider}/verify': application,
  'GET /v1/applications/{id}/stats': application,
  'GET /v1/applications/{id}/overview': application,
  'POST /v1/applications/{id}/overview/stream': application,
  'GET /v1/audit': { roles: ['admin'] },
  'GET /v1/session': { roles: [] },
  'DELETE /v1/session': { roles: [] },
  'PUT /v1/session/password': { roles: [], body: () => ({ newPassword: 'never the password' }) },
  'GET /v1/accounts': { roles: ['admin'] },
  'POST /v1/accounts': { roles: ['admin'], body: () => ({ email: 'never@example.com', role: 'owner' }) },
  'PATCH /v1/accounts/{id}': { ...application, body: () => ({ name: 'never renamed' }) },
  'DELETE /v1/accounts/{id}': application,
  'POST /v1/accounts/{id}/sign-in-links': application,
  'GET /v1/system': { roles: ['admin'] },
  'GET /v1/system/queues': { roles: ['admin'] },
  'POST /v1/devices': {
    roles: ['client', 'server'],
    body: () => ({ provider: 'fcm', token: `never${'x'.repeat(30)}` }),
  },
  'GET /v1/devices': { roles: ['server'] },
  'POST /v1/devices/bulk': { roles: ['server'] },
  'GET /v1/devices/{id}': { ...device, roles: ['server'] },
  'PATCH /v1/devices/{id}': { ...device, roles: ['client', 'server'], body: () => ({ appVersion: 'never set' }) },
  'DELETE /v1/devices/{id}': { ...device, roles: ['client', 'server'] },
  'GET /v1/devices/{id}/deliveries': { ...device, roles: ['server'] },
  'GET /v1/devices/{id}/history': { ...device, roles: ['server'] },
  'GET /v1/users': { roles: ['server'] },
  'DELETE /v1/users/{userId}': { roles: ['server'] },
  'POST /v1/notifications': { roles: ['server'], body: message },
  'POST /v1/notifications/preview': { roles: ['server'], body: message },
  'POST /v1/notifications/audience': { roles: ['server'], body: () => ({ audience: { all: true } }) },
  'GET /v1/notifications': { roles: ['server'] },
  'GET /v1/notifications/{id}': notification,
  'GET /v1/notifications/{id}/deliveries': notification,
  'GET /v1/notifications/{id}/deliveries/export': notification,
  'GET /v1/notifications/{id}/deliveries/{deviceId}': notification,
  'GET /v1/notifications/{id}/failures': notification,
  'GET /v1/notifications/{id}/timeline': notification,
  'POST /v1/notifications/{id}/retry-failed': { ...notification, body: () => ({}) },
  'POST /v1/notifications/{id}/cancel': notification,
  'POST /v1/notifications/{id}/pause': notification,
  'POST /v1/notifications/{id}/resume': notification,
  'GET /v1/deliveries': { roles: ['server'] },
  'GET /v1/deliveries/why': { roles: ['server'] },
  'GET /v1/deliveries/export': { roles: ['server'] },
  'POST /v1/receipts': {
    roles: ['client'],
    body: ({ devices, notification: notificationId }) => ({ deviceId: devices.fcm, notificationId, type: 'opened' }),
  },
  'GET /v1/realtime/channels/{channel}/presence': { roles: ['server'] },
  'GET /v1/realtime/users/{userId}/presence': { roles: ['server'] },
  'POST /v1/realtime/tokens': { roles: ['server'], body: () => ({ userId: 'nobody' }) },
  'DELETE /v1/realtime/tokens': { roles: ['server'], body: () => ({ userId: 'nobody' }) },
  'POST /v1/realtime/channels/{channel}/messages': {
    roles: ['server'],
    body: () => ({ event: 'never-published', data: 1 }),
  },
  'POST /v1/webhooks': {
    roles: ['server'],
    body: () => ({ url: 'https://hooks.example.com/never', events: ['credential.broken'] }),
  },
  'GET /v1/webhooks': { roles: ['server'] },
  'GET /v1/webhooks/{id}': webhook,
  'PATCH /v1/webhooks/{id}': { ...webhook, body: () => ({ enabled: true }) },
  'DELETE /v1/webhooks/{id}': webhook,
  'POST /v1/webhooks/{id}/rotate-secret': webhook,
  'GET /v1/webhooks/{id}/attempts': webhook,
  'POST /v1/webhooks/{id}/replay': { ...webhook, body: () => ({ eventId: crypto.randomUUID() }) },
  'POST /v1/webhooks/{id}/test': webhook,
};
