import { createHash } from 'node:crypto';
import type { Home } from './home.js';
import { type LoopbackRequest, loopbackRequest } from './loopback-http.js';

/** The application that a newcomer tries things with, as `ready.json` shows it. */
export interface DemoApplication {
  id: string;
  name: string;
  serverKey: string;
  clientKey: string;
}

interface KeptDemo extends DemoApplication {
  /** Which simulator credentials it holds. */
  credentialsHash: string;
}

/** In the home; the api's demo page reads it, too. */
export const DEMO_FILE = 'demo.json';
const NAME = 'demo';

/**
 * Makes the application `demo`, with a key of each kind and credentials of the simulators, through the public API; once
 * per home, and again when the database no longer knows it.
 *
 * @param setup answer of the simulators' `GET /__setup`
 */
export async function seedDemo(
  home: Home,
  baseUrl: string,
  adminKey: string,
  setup: SimulatorSetup,
): Promise<DemoApplication> {
  const api = new AdminApi(baseUrl, adminKey);
  const credentials = credentialsOf(setup);
  const credentialsHash = createHash('sha256').update(JSON.stringify(credentials)).digest('hex');
  const kept = await home.readJson<KeptDemo>(DEMO_FILE);
  const isKnown = kept !== undefined && (await api.get(`/v1/applications/${kept.id}`)).status === 200;
  const demo = isKnown ? withoutHash(kept) : await createApplication(api);
  if (!isKnown || kept.credentialsHash !== credentialsHash) {
    for (const [provider, credential] of Object.entries(credentials)) {
      await api.send('PUT', `/v1/applications/${demo.id}/credentials/${provider}`, { ...credential, simulated: true });
    }
    await home.writeJson(DEMO_FILE, { ...demo, credentialsHash } satisfies KeptDemo);
  }
  return demo;
}

/** What `GET /__setup` of the simulators answers, as far as it is used here. */
export interface SimulatorSetup {
  fcm: { serviceAccount: object };
  apns: { keyId: string; teamId: string; bundleId: string; privateKey: string };
  webpush: { vapid: { subject: string; publicKey: string; privateKey: string } };
}

/** Bodies for `PUT …/credentials/:provider`. */
function credentialsOf({ fcm, apns, webpush }: SimulatorSetup): Record<'fcm' | 'apns' | 'webpush', object> {
  const { keyId, teamId, bundleId, privateKey } = apns;
  return {
    fcm: { serviceAccount: fcm.serviceAccount },
    apns: { keyId, teamId, bundleId, privateKey, environment: 'production' },
    webpush: webpush.vapid,
  };
}

/** The account of whoever runs `npm start`. */
const OWNER_EMAIL = 'owner@localhost';

/**
 * Makes the first account of the console, an owner without a password, and a link that signs it in once.
 *
 * @returns where the console is: the link, or its plain address when people have accounts of their own instead
 */
export async function seedOwner(baseUrl: string, adminKey: string): Promise<string> {
  const api = new AdminApi(baseUrl, adminKey);
  const { items } = (await api.get('/v1/accounts?limit=1000')).body as { items: Account[] };
  const owner =
    items.length === 0
      ? await api.send<Account>('POST', '/v1/accounts', { email: OWNER_EMAIL, name: 'Owner', role: 'owner' })
      : items.find(({ email, isDisabled }) => email === OWNER_EMAIL && !isDisabled);
  if (!owner) return `${baseUrl}/console`;
  return (await api.send<{ url: string }>('POST', `/v1/accounts/${owner.id}/sign-in-links`, {})).url;
}

interface Account {
  id: string;
  email: string;
  isDisabled: boolean;
}

async function createApplication(api: AdminApi): Promise<DemoApplication> {
  const application = await api.send<{ id: string }>('POST', '/v1/applications', { name: NAME });
  const createKey = async (role: 'server' | 'client') =>
    (await api.send<{ key: string }>('POST', `/v1/applications/${application.id}/keys`, { role, name: NAME })).key;
  return {
    id: application.id,
    name: NAME,
    serverKey: await createKey('server'),
    clientKey: await createKey('client'),
  };
}

function withoutHash({ id, name, serverKey, clientKey }: KeptDemo): DemoApplication {
  return { id, name, serverKey, clientKey };
}

class AdminApi {
  constructor(
    private readonly baseUrl: string,
    private readonly key: string,
  ) {}

  get(path: string) {
    return loopbackRequest(`${this.baseUrl}${path}`, { key: this.key });
  }

  /** @throws Error with the answer unless it is a success */
  async send<T>(method: NonNullable<LoopbackRequest['method']>, path: string, body: unknown): Promise<T> {
    const response = await loopbackRequest(`${this.baseUrl}${path}`, { method, key: this.key, body });
    if (response.status >= 300) {
      throw new Error(`${method} ${path} was answered ${response.status}: ${JSON.stringify(response.body)}`);
    }
    return response.body as T;
  }
}
