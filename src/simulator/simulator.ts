import { APNS_MAX_STREAMS, ApnsService } from './apns.js';
import { ProviderTokens } from './apns-token.js';
import { CertificateAuthority } from './ca.js';
import { VirtualClock } from './clock.js';
import type { Connection } from './connection.js';
import { ControlServer } from './control.js';
import { Credentials } from './credentials.js';
import type { Exchange } from './exchange.js';
import { FcmService } from './fcm.js';
import { OauthService } from './fcm-oauth.js';
import { Home } from './home.js';
import { type ConnectionLimits, Listener } from './listener.js';
import { Pipeline } from './pipeline.js';
import { PortBook, type Ports } from './ports.js';
import { Random } from './random.js';
import { Recorder } from './recorder.js';
import { Rules } from './rules.js';
import { LISTENER_NAMES, type ListenerName } from './service.js';
import { Settings } from './settings.js';
import { ListenerStats } from './stats.js';
import { PROFILES, Subscriptions, type WebpushProfile } from './subscriptions.js';
import { Targets } from './targets.js';
import { Vapid } from './vapid.js';
import { WebpushService } from './webpush.js';

export interface SimulatorOptions {
  /** Folder for the authority, the credentials and the ports; made when absent. */
  home: string;
  /** Default 127.0.0.1. */
  host?: string;
  /** Fixed ports; the others are those of the last start if still free, else any. */
  ports?: Partial<Ports>;
  /** Messages kept for reading; counters stay exact beyond it. Default 200,000. */
  maxMessages?: number;
  /** Memory for their headers and bodies; the oldest lose theirs first. Default 64 MiB. */
  maxDetailBytes?: number;
}

export interface SimulatorUrls {
  /** Plain HTTP. */
  controlUrl: string;
  fcm: string;
  apns: string;
  apnsSandbox: string;
  webpush: Record<WebpushProfile, string>;
  /** PEM file of the authority that signed all the certificates. */
  caFile: string;
  /** Its content. */
  ca: string;
}

export interface RunningSimulator {
  urls: SimulatorUrls;
  /** Resets every connection and frees the ports. */
  close(): Promise<void>;
}

const WEBPUSH_LISTENERS: Readonly<Record<WebpushProfile, ListenerName>> = {
  fcm: 'webpushFcm',
  mozilla: 'webpushMozilla',
  apple: 'webpushApple',
  wns: 'webpushWns',
};

/** Starts FCM, APNs (production and sandbox), four Web Push services and the control listener in this process. */
export async function startSimulator(options: SimulatorOptions): Promise<RunningSimulator> {
  const simulator = new Simulator(options);
  try {
    return { urls: await simulator.start(), close: () => simulator.close() };
  } catch (error) {
    await simulator.close();
    throw error;
  }
}

/** Everything that the control listener may look at and change. */
export class Simulator {
  readonly home: Home;
  readonly ca: CertificateAuthority;
  readonly credentials: Credentials;
  readonly clock = new VirtualClock();
  readonly random = new Random();
  readonly settings = new Settings();
  readonly rules = new Rules(this.random);
  readonly targets = new Targets(this.clock, this.settings);
  readonly recorder: Recorder;
  readonly vapid = new Vapid(this.clock);
  readonly oauth: OauthService;
  readonly providerTokens: ProviderTokens;
  readonly subscriptions: Subscriptions;
  readonly stats = new Map<ListenerName, ListenerStats>();
  urls: SimulatorUrls;
  canaryHits = 0;

  private readonly host: string;
  private readonly listeners: Listener[] = [];
  private readonly control: ControlServer;
  private readonly resets: (() => void)[] = [];

  constructor(private readonly options: SimulatorOptions) {
    this.host = options.host ?? '127.0.0.1';
    this.home = new Home(options.home);
    this.ca = CertificateAuthority.open(this.home);
    this.credentials = Credentials.open(this.home);
    this.recorder = new Recorder(options.maxMessages ?? 200_000, options.maxDetailBytes ?? 64 * 1024 * 1024);
    this.oauth = new OauthService(this.credentials, this.settings, this.clock, () => `${this.urls.fcm}/token`);
    this.providerTokens = new ProviderTokens(this.credentials, this.settings, this.clock);
    this.subscriptions = new Subscriptions(this.credentials.secret);
    this.control = new ControlServer(this, this.host);
    this.urls = this.urlsOf(new Map());
  }

  async start(): Promise<SimulatorUrls> {
    const identity = this.ca.issue([...new Set([this.host, '127.0.0.1', 'localhost'])]);
    const book = new PortBook(this.home, this.options.ports ?? {});
    const ports = new Map<string, number>();
    for (const name of LISTENER_NAMES) {
      const stats = new ListenerStats();
      this.stats.set(name, stats);
      const listener = new Listener({
        host: this.host,
        identity,
        requireHttp2: name === 'apns' || name === 'apnsSandbox',
        clientCa: name.startsWith('apns') ? this.ca.cert : undefined,
        maxConcurrentStreams: (connection) => maxStreams(name, connection),
        stats,
        limits: () => this.limitsOf(name),
        handle: this.handlerOf(name, stats),
      });
      this.listeners.push(listener);
      ports.set(name, await book.take(name, (port) => listener.listen(port)));
    }
    ports.set('control', await book.take('control', (port) => this.control.listen(port)));
    book.save();
    this.urls = this.urlsOf(ports);
    return this.urls;
  }

  async close(): Promise<void> {
    await Promise.all([this.control.close(), ...this.listeners.map((listener) => listener.close())]);
  }

  /** Forgets messages, rules, states, clock and settings; keeps credentials, connections and ports. */
  reset(): void {
    this.recorder.reset();
    this.rules.clear();
    this.targets.clear();
    this.settings.reset();
    this.providerTokens.reset();
    this.vapid.reset();
    this.clock.offsetMs = 0;
    this.canaryHits = 0;
    for (const reset of this.resets) reset();
    for (const stats of this.stats.values()) stats.reset();
  }

  private limitsOf(name: ListenerName): ConnectionLimits {
    const { fcmIdleMs, fcmMaxAgeMs, fcmMaxPings } = this.settings.values;
    if (name === 'fcm') return { idleMs: fcmIdleMs, maxAgeMs: fcmMaxAgeMs, maxPings: fcmMaxPings };
    return { idleMs: 0, maxAgeMs: 0, maxPings: 0 };
  }

  private handlerOf(name: ListenerName, stats: ListenerStats): (exchange: Exchange) => void {
    if (name === 'fcm') {
      const { credentials, oauth, targets, settings, clock, random } = this;
      const fcm = new FcmService(credentials, oauth, targets, settings, clock, random);
      this.resets.push(() => fcm.reset());
      const send = new Pipeline(name, fcm, this, stats);
      const token = new Pipeline(name, oauth, this, stats);
      return (exchange) => (isTokenPath(exchange.path) ? token : send).handle(exchange);
    }
    if (name === 'apns' || name === 'apnsSandbox') {
      const environment = name === 'apns' ? 'production' : 'sandbox';
      const apns = new ApnsService(environment, this.providerTokens, this.targets, this.settings, this.clock);
      const pipeline = new Pipeline(name, apns, this, stats);
      return (exchange) => pipeline.handle(exchange);
    }
    const profile = PROFILES.find((candidate) => WEBPUSH_LISTENERS[candidate] === name) ?? 'fcm';
    const webpush = new WebpushService(profile, {
      subscriptions: this.subscriptions,
      vapid: this.vapid,
      settings: this.settings,
      violation: (what, target) => this.recorder.violation({ atMs: this.clock.nowMs(), listener: name, what, target }),
      canaryUrl: () => `${this.urls.controlUrl}/__canary`,
    });
    this.resets.push(() => webpush.reset());
    const pipeline = new Pipeline(name, webpush, this, stats);
    return (exchange) => pipeline.handle(exchange);
  }

  private urlsOf(ports: ReadonlyMap<string, number>): SimulatorUrls {
    const url = (name: ListenerName): string => `https://${this.host}:${ports.get(name) ?? 0}`;
    return {
      controlUrl: `http://${this.host}:${ports.get('control') ?? 0}`,
      fcm: url('fcm'),
      apns: url('apns'),
      apnsSandbox: url('apnsSandbox'),
      webpush: {
        fcm: url('webpushFcm'),
        mozilla: url('webpushMozilla'),
        apple: url('webpushApple'),
        wns: url('webpushWns'),
      },
      caFile: this.ca.file,
      ca: this.ca.cert,
    };
  }
}

/** To start with: Google's front end 100; Apple 1 until the first good token, unless a certificate vouches already. */
function maxStreams(name: ListenerName, { certificate }: Connection): number {
  if (!name.startsWith('apns')) return 100;
  return certificate?.isTrusted ? APNS_MAX_STREAMS : 1;
}

/** Google's own path, and its older one, beside the short one that our service accounts name. */
function isTokenPath(path: string): boolean {
  return path === '/token' || path === '/oauth2/v4/token';
}
