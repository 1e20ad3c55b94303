import { randomUUID } from 'node:crypto';
import { loadConfig } from '../../src/config/config.js';
import type { Clock } from '../../src/lib/clock.js';
import type {
  Credential,
  Message,
  Outcome,
  Provider,
  ProviderName,
  SendTiming,
  SharedToken,
  SharedTokenStore,
  Target,
} from '../../src/providers/provider.js';
import { createProviders } from '../../src/providers/registry.js';
import { nodeConnections } from '../../src/transport/http2-connection.js';
import { PooledTransport } from '../../src/transport/pooled-transport.js';
import { TestSimulator } from './simulator-support.js';

/** Time that a test moves; the store has the database's clock, which may differ. */
export class TestClock implements Clock {
  offsetMs = 0;
  now = () => new Date(Date.now() + this.offsetMs);
  monotonicMs = () => performance.now() + this.offsetMs;
}

/** Shared tokens as in Postgres: kept per credential, minted one at a time. */
export class MemoryTokenStore implements SharedTokenStore {
  readonly tokens = new Map<string, SharedToken>();
  mints = 0;
  failure: Error | undefined;
  private line: Promise<unknown> = Promise.resolve();

  constructor(readonly clock: Clock) {}

  obtain(
    credential: Credential,
    accept: (token: SharedToken, now: Date) => boolean,
    mint: (now: Date) => Promise<SharedToken>,
  ): Promise<SharedToken> {
    const mine = this.line.then(async () => {
      if (this.failure) throw this.failure;
      const now = this.clock.now();
      const stored = this.tokens.get(credential.id);
      if (stored && accept(stored, now)) return stored;
      const minted = await mint(now);
      this.mints += 1;
      this.tokens.set(credential.id, minted);
      return minted;
    });
    this.line = mine.catch(() => undefined);
    return mine;
  }
}

export interface SendOptions {
  message?: Partial<Message>;
  target?: Partial<Target>;
  timing?: Partial<SendTiming>;
  older?: Credential[];
}

/** The three adapters over a real transport against the simulators. */
export class ProviderBench {
  readonly clock = new TestClock();
  readonly store = new MemoryTokenStore(this.clock);
  /** The suites run on either; see vitest.config.ts. */
  readonly transport = new PooledTransport(
    process.env['PROVIDER_TRANSPORT'] === 'node' ? { http2: nodeConnections } : {},
  );
  readonly providers: ReadonlyMap<ProviderName, Provider>;

  private constructor(
    readonly simulator: TestSimulator,
    environment: Record<string, string>,
  ) {
    const { urls } = simulator;
    const config = loadConfig({
      DATABASE_URL: 'postgres://unused/unused',
      REDIS_URL: 'redis://unused',
      CARILLON_MASTER_KEY: Buffer.alloc(32).toString('base64'),
      SIMULATOR_FCM_URL: urls.fcm,
      SIMULATOR_APNS_URL: urls.apns,
      SIMULATOR_APNS_SANDBOX_URL: urls.apnsSandbox,
      SIMULATOR_WEBPUSH_URLS: Object.values(urls.webpush).join(','),
      SIMULATOR_CA_FILE: urls.caFile,
      ...environment,
    });
    this.providers = createProviders(config, { known: this.transport, open: this.transport }, this.store, this.clock);
  }

  static async start(environment: Record<string, string> = {}): Promise<ProviderBench> {
    return new ProviderBench(await TestSimulator.start(), environment);
  }

  /** Other settings, and no warm connection or token, against the same simulators. */
  fresh(environment: Record<string, string> = {}): ProviderBench {
    return new ProviderBench(this.simulator, environment);
  }

  async stop(): Promise<void> {
    await this.transport.close(0);
    await this.simulator.stop();
  }

  provider(name: ProviderName): Provider {
    const provider = this.providers.get(name);
    if (!provider) throw new Error(`no ${name}`);
    return provider;
  }

  credential(provider: ProviderName, input: unknown, simulated = true): Credential {
    const { publicParts, secret } = this.provider(provider).parseCredential(input, this.clock.now());
    const id = randomUUID();
    return { id, applicationId: 'app', provider, version: 1, publicParts, secret, simulated };
  }

  /** One delivery; fails the test when it is reported more than once. */
  send(credential: Credential, token: string, options: SendOptions = {}): Promise<Outcome> {
    return this.sendMany(credential, [token], options).then(([outcome]) => outcome as Outcome);
  }

  /** Many deliveries of one message at the same time, in order of the tokens. */
  sendMany(credential: Credential, tokens: readonly string[], options: SendOptions = {}): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    let missing = tokens.length;
    return new Promise((resolve, reject) => {
      const sender = this.provider(credential.provider).openSender({
        message: testMessage(options.message),
        credentials: [credential, ...(options.older ?? [])],
        lane: 'normal',
        report: (ref, outcome, latencyMs) => {
          if (outcomes[ref] !== undefined || !(latencyMs >= 0)) reject(new Error(`delivery ${ref} reported twice`));
          outcomes[ref] = outcome;
          missing -= 1;
          if (missing === 0) resolve(outcomes);
        },
      });
      const timing = {
        ttlSeconds: 3600,
        expiresAt: new Date(Date.now() + 3_600_000),
        timeoutMs: 5000,
        ...options.timing,
      };
      for (const [ref, token] of tokens.entries()) {
        sender.send(ref, { deviceId: randomUUID(), token, ...options.target }, timing);
      }
    });
  }

  /** What the simulator answered or not, per kind; token requests apart. */
  async requests(service: 'fcm' | 'apns' | 'webpush' | 'oauth'): Promise<number> {
    const { services } = await this.simulator.counts();
    return services[service]?.total ?? 0;
  }
}

export function testMessage(over: Partial<Message> = {}): Message {
  return {
    notificationId: randomUUID(),
    content: { title: 'Hello', body: 'World' },
    priority: 'high',
    ttlSeconds: 3600,
    ...over,
  };
}
