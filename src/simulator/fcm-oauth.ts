import { createHmac, timingSafeEqual } from 'node:crypto';
import type { VirtualClock } from './clock.js';
import type { Credentials, FcmProject } from './credentials.js';
import type { Exchange, Reply } from './exchange.js';
import { type CompactJwt, isRs256, parseJwt } from './jwt.js';
import type { Admitted, Failure, Judgement, PushService } from './service.js';
import type { Settings } from './settings.js';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const SCOPES = [
  'https://www.googleapis.com/auth/firebase.messaging',
  'https://www.googleapis.com/auth/cloud-platform',
] as const;
/** firebase-admin's own URLs are constants, so its assertions name Google whichever server they reach. */
const GOOGLE_AUDIENCES = ['https://oauth2.googleapis.com/token', 'https://www.googleapis.com/oauth2/v4/token'];
const MAX_LIFETIME_SECONDS = 3600;
/** Seconds. Google tolerates some clock skew; how much is not documented. */
const SKEW_SECONDS = 300;
const TOKEN_CACHE = 1_000;
const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' } as const;

/** What an access token stands for. */
export interface AccessGrant {
  projectId: string;
  expiresAtMs: number;
}

interface Issued extends AccessGrant {
  issuedAtMs: number;
  /** The how-manieth mint it was. */
  mint: number;
}

/** Google's token endpoint: a signed assertion in, a bearer token for one project out. */
export class OauthService implements PushService {
  readonly name = 'oauth';
  mints = 0;
  /** Tokens issued up to this moment, or to this mint within its millisecond, are refused. */
  private revoked = { atMs: 0, mints: 0 };
  private readonly grants = new Map<string, Issued>();

  constructor(
    private readonly credentials: Credentials,
    private readonly settings: Settings,
    private readonly clock: VirtualClock,
    /** The endpoint's own URL, once its port is known. */
    private readonly tokenUri: () => string,
  ) {}

  judge(exchange: Exchange): Judgement {
    const form = new URLSearchParams(exchange.body.toString('utf8'));
    if (exchange.method !== 'POST') return refused(404, 'not_found', 'Not found');
    if (!(exchange.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) {
      return refused(400, 'invalid_request', 'Content-Type must be application/x-www-form-urlencoded');
    }
    if (form.get('grant_type') !== GRANT_TYPE) {
      return refused(400, 'unsupported_grant_type', `Invalid grant_type: ${form.get('grant_type') ?? ''}`);
    }
    const jwt = parseJwt(form.get('assertion') ?? '');
    if (!jwt) return refused(400, 'invalid_request', 'Bad Request');
    return this.judgeAssertion(jwt);
  }

  private judgeAssertion(jwt: CompactJwt): Judgement {
    const project = this.credentials.fcmProjects.find((known) => known.clientEmail === jwt.claims['iss']);
    if (!project) return refused(400, 'invalid_grant', 'Invalid grant: account not found');
    const fault = this.assertionFault(jwt, project);
    if (fault) return refused(400, 'invalid_grant', fault);
    const scope = String(jwt.claims['scope'] ?? '').split(' ');
    if (!SCOPES.some((known) => scope.includes(known))) {
      return refused(400, 'invalid_scope', 'Invalid OAuth scope or ID token audience provided.');
    }
    return { kind: 'admitted', target: project.projectId, notificationKey: '', body: '', unaccepted: 'issued' };
  }

  accepted(_exchange: Exchange, { target }: Admitted): Reply {
    this.mints += 1;
    const lifetime = this.settings.values.accessTokenLifetimeSeconds;
    const token = this.issue(target, lifetime);
    return {
      status: 200,
      headers: HEADERS,
      body: JSON.stringify({ access_token: token, expires_in: lifetime, token_type: 'Bearer' }),
    };
  }

  failure(failure: Failure): Reply {
    const error = failure.reason ?? (failure.status === 401 ? 'invalid_client' : 'temporarily_unavailable');
    const headers = { ...HEADERS, ...failure.headers };
    return { status: failure.status, headers, body: failure.body ?? JSON.stringify({ error }) };
  }

  /** What a bearer token stands for; `undefined` for one that was never issued or was revoked. Expiry is the caller's. */
  grantOf(token: string): AccessGrant | undefined {
    let known = this.grants.get(token);
    if (!known) {
      known = this.open(token);
      if (!known) return undefined;
      if (this.grants.size >= TOKEN_CACHE) this.grants.clear();
      this.grants.set(token, known);
    }
    const { atMs, mints } = this.revoked;
    const isRevoked = known.issuedAtMs < atMs || (known.issuedAtMs === atMs && known.mint <= mints);
    return isRevoked ? undefined : known;
  }

  /** From now on every token issued so far is refused. */
  revokeAll(): void {
    this.revoked = { atMs: this.clock.nowMs(), mints: this.mints };
  }

  private assertionFault(jwt: CompactJwt, project: FcmProject): string | undefined {
    const { iat, exp, aud } = jwt.claims;
    if (jwt.header['kid'] !== undefined && jwt.header['kid'] !== project.privateKeyId) return 'Invalid JWT Signature.';
    if (!isRs256(jwt, this.credentials.publicKey(project.privateKey))) return 'Invalid JWT Signature.';
    if (aud !== this.tokenUri() && !GOOGLE_AUDIENCES.includes(String(aud)))
      return 'Invalid JWT: Failed audience check.';
    if (typeof iat !== 'number' || typeof exp !== 'number') return 'Invalid JWT: iat and exp must be numbers.';
    const now = this.clock.nowMs() / 1000;
    const isReasonable = exp - iat <= MAX_LIFETIME_SECONDS && iat <= now + SKEW_SECONDS && exp >= now - SKEW_SECONDS;
    return isReasonable
      ? undefined
      : 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. ' +
          'Check your iat and exp values in the JWT claim.';
  }

  /** Tokens carry their own meaning under a MAC, so that they survive a restart of the simulators. */
  private issue(projectId: string, lifetimeSeconds: number): string {
    const issuedAtMs = this.clock.nowMs();
    const expiresAtMs = issuedAtMs + lifetimeSeconds * 1000;
    const content: Issued = { projectId, issuedAtMs, expiresAtMs, mint: this.mints };
    const body = Buffer.from(JSON.stringify(content)).toString('base64url');
    return `ya29.${body}.${this.mac(body).toString('base64url')}`;
  }

  private open(token: string): Issued | undefined {
    const [, body = '', mac = ''] = /^ya29\.([\w-]+)\.([\w-]{43})$/.exec(token) ?? [];
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== 32 || !timingSafeEqual(given, this.mac(body))) return undefined;
    return JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Issued;
  }

  private mac(text: string): Buffer {
    return createHmac('sha256', this.credentials.secret).update(`access token ${text}`).digest();
  }
}

function refused(status: number, error: string, description: string): Judgement {
  return {
    kind: 'refused',
    reason: error,
    // A revoked key or a wrong clock is not the sender's mistake in the protocol; the rest is.
    violation: error === 'invalid_grant' ? undefined : `oauth: ${error}: ${description}`,
    reply: { status, headers: HEADERS, body: JSON.stringify({ error, error_description: description }) },
  };
}
