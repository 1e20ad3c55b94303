import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { queries } from './api/queries.js';
import { sessionQuery } from './api/session.js';
import { PageProblem } from './components/problem-alert.js';
import { lastApplication } from './shell/applications.js';
import { Shell } from './shell/shell.js';
import { SignInPage } from './shell/sign-in-page.js';

/** The filters of a page live in its address, so that a view can be sent to a colleague. */
function strings<const K extends string>(...names: readonly K[]) {
  return (search: Record<string, unknown>): { [N in K]?: string } => {
    const given = names.filter((name) => typeof search[name] === 'string' && search[name] !== '');
    return Object.fromEntries(given.map((name) => [name, search[name]])) as { [N in K]?: string };
  };
}

const root = createRootRoute({ component: Outlet, errorComponent: PageProblem });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: strings('next'),
  component: SignInPage,
});

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: async ({ location }) => {
    const session = await queries.ensureQueryData(sessionQuery);
    if (!session) throw redirect({ to: '/sign-in', search: { next: location.href } });
  },
  component: Shell,
  errorComponent: PageProblem,
});

const home = createRoute({
  getParentRoute: () => inside,
  path: '/',
  beforeLoad: async () => {
    const app = await lastApplication();
    if (app === undefined) throw redirect({ to: '/applications' });
    throw redirect({ to: '/apps/$app', params: { app } });
  },
});

const applications = createRoute({
  getParentRoute: () => inside,
  path: '/applications',
  component: lazyRouteComponent(() => import('./pages/applications/applications-page.js'), 'ApplicationsPage'),
});

const accounts = createRoute({
  getParentRoute: () => inside,
  path: '/accounts',
  component: lazyRouteComponent(() => import('./pages/accounts/accounts-page.js'), 'AccountsPage'),
});

const queues = createRoute({
  getParentRoute: () => inside,
  path: '/queues',
  component: lazyRouteComponent(() => import('./pages/queues/queues-page.js'), 'QueuesPage'),
});

const app = createRoute({ getParentRoute: () => inside, path: '/apps/$app', component: Outlet });

const overview = createRoute({
  getParentRoute: () => app,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/overview/overview-page.js'), 'OverviewPage'),
});

const notifications = createRoute({
  getParentRoute: () => app,
  path: '/notifications',
  validateSearch: strings('status', 'lane', 'from', 'to', 'text'),
  component: lazyRouteComponent(() => import('./pages/notifications/notifications-page.js'), 'NotificationsPage'),
});

const notification = createRoute({
  getParentRoute: () => app,
  path: '/notifications/$notification',
  validateSearch: strings('status', 'provider', 'code'),
  component: lazyRouteComponent(() => import('./pages/notifications/notification-page.js'), 'NotificationPage'),
});

const delivery = createRoute({
  getParentRoute: () => app,
  path: '/notifications/$notification/deliveries/$device',
  component: lazyRouteComponent(() => import('./pages/deliveries/delivery-page.js'), 'DeliveryPage'),
});

const deliveries = createRoute({
  getParentRoute: () => app,
  path: '/deliveries',
  validateSearch: strings('status', 'provider', 'code', 'userId', 'from', 'to'),
  component: lazyRouteComponent(() => import('./pages/deliveries/deliveries-page.js'), 'DeliveriesPage'),
});

const devices = createRoute({
  getParentRoute: () => app,
  path: '/devices',
  validateSearch: strings('search', 'userId', 'topic', 'provider', 'status', 'tokenFingerprint'),
  component: lazyRouteComponent(() => import('./pages/devices/devices-page.js'), 'DevicesPage'),
});

const device = createRoute({
  getParentRoute: () => app,
  path: '/devices/$device',
  validateSearch: strings('at', 'within'),
  component: lazyRouteComponent(() => import('./pages/devices/device-page.js'), 'DevicePage'),
});

const user = createRoute({
  getParentRoute: () => app,
  path: '/users/$user',
  validateSearch: strings('at', 'within'),
  component: lazyRouteComponent(() => import('./pages/devices/user-page.js'), 'UserPage'),
});

const compose = createRoute({
  getParentRoute: () => app,
  path: '/compose',
  validateSearch: strings('like', 'userId', 'deviceId'),
  component: lazyRouteComponent(() => import('./pages/compose/compose-page.js'), 'ComposePage'),
});

const settings = createRoute({
  getParentRoute: () => app,
  path: '/settings',
  validateSearch: strings('tab'),
  component: lazyRouteComponent(() => import('./pages/settings/settings-page.js'), 'SettingsPage'),
});

const webhook = createRoute({
  getParentRoute: () => app,
  path: '/webhooks/$webhook',
  component: lazyRouteComponent(() => import('./pages/settings/webhook-page.js'), 'WebhookPage'),
});

const audit = createRoute({
  getParentRoute: () => app,
  path: '/audit',
  validateSearch: strings('by', 'action', 'where'),
  component: lazyRouteComponent(() => import('./pages/settings/audit-page.js'), 'AuditPage'),
});

const tree = root.addChildren([
  signIn,
  inside.addChildren([
    home,
    applications,
    accounts,
    queues,
    app.addChildren([
      overview,
      notifications,
      notification,
      delivery,
      deliveries,
      devices,
      device,
      user,
      compose,
      settings,
      webhook,
      audit,
    ]),
  ]),
]);

/** Every page of the console, and what its address holds. Searches are plain texts: an id of digits stays one. */
export const router = createRouter({
  routeTree: tree,
  basepath: '/console',
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search) => {
    const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '');
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return text === '' ? '' : `?${text}`;
  },
  defaultPreload: 'intent',
  defaultErrorComponent: PageProblem,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
