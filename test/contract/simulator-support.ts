import { sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningSimulator, startSimulator } from '../../src/simulator/simulator.js';

export interface Setup {
  fcm: { serviceAccount: Record<string, string>; other: Record<string, string> };
  apns: ApnsCredential & { other: ApnsCredential };
  webpush: { vapid: { publicKey: string; privateKey: string; subject: string } };
}

export interface ApnsCredential {
  keyId: string;
  teamId: string;
  bundleId: string;
  privateKey: string;
}

export interface Recorded {
  seq: number;
  target: string;
  notificationKey: string;
  connectionId: number;
  streamId: number;
  provider: string;
  verdict: { status: number; reason: string; accepted: boolean };
  headers?: Record<string, string>;
  body?: unknown;
}

export interface Counts {
  total: number;
  accepted: number;
  acceptedTargets: number;
  duplicates: number;
  evicted: number;
  services: Record<string, { total: number; accepted: number; verdicts: Record<string, number> }>;
}

/** A running simulator in its own temporary home, with its control API as methods. */
export class TestSimulator {
  private constructor(
    readonly simulator: RunningSimulator,
    readonly setup: Setup,
    readonly home: string,
  ) {}

  static async start(options: { maxMessages?: number; maxDetailBytes?: number } = {}): Promise<TestSimulator> {
    const home = mkdtempSync(join(tmpdir(), 'carillon-simulator-'));
    const simulator = await startSimulator({ home, ...options });
    const setup = (await (await fetch(`${simulator.urls.controlUrl}/__setup`)).json()) as Setup;
    return new TestSimulator(simulator, setup, home);
  }

  get urls(): RunningSimulator['urls'] {
    return this.simulator.urls;
  }

  async stop(): Promise<void> {
    await this.simulator.close();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** @throws Error when the control API refuses */
  async control<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.urls.controlUrl}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  reset(): Promise<unknown> {
    return this.control('POST', '/__reset');
  }

  rule(match: object, action: object, times?: number): Promise<{ id: number }> {
    return this.control('POST', '/__rules', { match, action, times });
  }

  async messages(query = ''): Promise<Recorded[]> {
    return (await this.control<{ messages: Recorded[] }>('GET', `/__messages${query}`)).messages;
  }

  counts(query = ''): Promise<Counts> {
    return this.control('GET', `/__messages/count${query}`);
  }

  async violations(): Promise<string[]> {
    const { violations } = await this.control<{ violations: { what: string }[] }>('GET', '/__violations');
    return violations.map(({ what }) => what);
  }

  /** A bearer token for the demo project, from the real token endpoint. */
  async accessToken(account = this.setup.fcm.serviceAccount): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const assertion = signJwt(
      { alg: 'RS256', kid: account['private_key_id'] },
      {
        iss: account['client_email'],
        scope: 'https://www.googleapis.com/auth/firebase.messaging',
        aud: `${this.urls.fcm}/token`,
        iat: now,
        exp: now + 3600,
      },
      account['private_key'] ?? '',
    );
    const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
    const answer = await this.h2(this.urls.fcm, {
      path: '/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    return (JSON.parse(answer.text) as { access_token: string }).access_token;
  }

  open(origin: string, options: SecureClientSessionOptions = {}): ClientHttp2Session {
    const session = connect(origin, { ca: this.urls.ca, ...options });
    session.on('error', () => undefined);
    return session;
  }

  /** One request on a connection of its own. */
  async h2(origin: string, request: H2Request): Promise<H2Answer> {
    const session = this.open(origin);
    try {
      return await send(session, request);
    } finally {
      session.destroy();
    }
  }
}

export interface H2Request {
  method?: string;
  path: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
}

export interface H2Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** One HTTP/2 request; rejects with the stream's error when it ends without an answer. */
export function send(
  session: ClientHttp2Session,
  { method = 'POST', path, headers, body }: H2Request,
): Promise<H2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers });
    const chunks: Buffer[] = [];
    let answered: IncomingHttpHeaders | undefined;
    stream.on('response', (received) => {
      answered = received;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('close', () => {
      if (!answered || stream.rstCode !== 0) return reject(new Error(`stream ended with code ${stream.rstCode}`));
      resolve({ status: Number(answered[':status']), headers: answered, text: Buffer.concat(chunks).toString() });
    });
    stream.end(body);
  });
}

/** A compact JWT; EC keys sign as JOSE wants unless `der` is asked for. */
export function signJwt(header: object, claims: object, privateKey: string, form: 'jose' | 'der' = 'jose'): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part(header)}.${part(claims)}`;
  const dsaEncoding = form === 'jose' ? 'ieee-p1363' : 'der';
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding }).toString('base64url')}`;
}

/** An APNs provider token. */
export function providerToken(
  { keyId, teamId, privateKey }: ApnsCredential,
  { iat = Math.floor(Date.now() / 1000), form = 'jose' as 'jose' | 'der' } = {},
): string {
  return signJwt({ alg: 'ES256', kid: keyId }, { iss: teamId, iat }, privateKey, form);
}
