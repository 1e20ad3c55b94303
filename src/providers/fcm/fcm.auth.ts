import { createPrivateKey } from 'node:crypto';
import type { Clock } from '../../lib/clock.js';
import type { Transport, TransportResult } from '../../transport/transport.js';
import { jsonBody, wordOr } from '../answer.js';
import { CredentialInput } from '../credential-input.js';
import { fingerprintOf } from '../derive.js';
import type { Endpoints } from '../endpoints.js';
import { signJwt } from '../jwt.js';
import type { Credential, ParsedCredential, SharedToken, SharedTokenStore } from '../provider.js';
import { MintError, TokenCache } from '../token-cache.js';
import { tokenEndpointOutcome } from './fcm.outcome.js';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Seconds. The longest life that Google allows an assertion. */
const ASSERTION_SECONDS = 3600;
/** Milliseconds before its end at which an access token is renewed; a tenth of its life when it lives shorter. */
const RENEW_AHEAD_MS = 300_000;
const TOKEN_TIMEOUT_MS = 8000;
/** Bits. Google issues 2048; anything shorter is no service account's key. */
const MINIMUM_RSA_BITS = 2048;

/** The parts of a service account that are used. */
export interface FcmSecret extends Record<string, unknown> {
  projectId: string;
  clientEmail: string;
  privateKeyId: string;
  privateKey: string;
  tokenUri: string;
}

/**
 * Checks `{ "serviceAccount": {…} }`, the JSON file that the Firebase console hands out. Fields of it that are not used
 * are ignored: Google adds some now and then.
 *
 * @throws DomainError `invalid_credential`
 */
export function parseServiceAccount(input: unknown): ParsedCredential {
  const outer = new CredentialInput(input);
  outer.refuseUnknown(['serviceAccount']);
  const account = new CredentialInput(outer.value('serviceAccount') ?? {}, 'serviceAccount.');
  if (account.has('type') && account.value('type') !== 'service_account')
    account.wrong('type', 'must be "service_account"');
  const projectId = account.text('project_id', /^[a-z0-9:.-]{1,64}$/i, 'must be a project id');
  const clientEmail = account.text('client_email', /^[^@\s]{1,128}@[^@\s]{1,128}$/, 'must be an email address');
  const privateKeyId = account.has('private_key_id')
    ? account.text('private_key_id', /^[\w-]{1,128}$/, 'must be a key id')
    : '';
  const tokenUri = parseTokenUri(account);
  const privateKey = account.privateKey('private_key');
  if (privateKey !== undefined) {
    const bits = privateKey.key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (privateKey.key.asymmetricKeyType !== 'rsa' || bits < MINIMUM_RSA_BITS) {
      account.wrong('private_key', `must be an RSA key of at least ${MINIMUM_RSA_BITS} bits`);
    }
  }
  outer.problems.push(...account.problems);
  outer.finish('FCM');
  const pem = privateKey?.pem ?? '';
  const secret: FcmSecret = { projectId, clientEmail, privateKeyId, privateKey: pem, tokenUri };
  return {
    publicParts: { projectId, clientEmail, ...(privateKeyId !== '' && { privateKeyId }) },
    secret,
    fingerprint: fingerprintOf(clientEmail, pem),
  };
}

function parseTokenUri(account: CredentialInput): string {
  const given = account.has('token_uri') ? account.value('token_uri') : 'https://oauth2.googleapis.com/token';
  // URL parsers skip line breaks, which would be signed as they are.
  const isPlain = typeof given === 'string' && /^[\x21-\x7e]{1,2048}$/.test(given);
  const url = isPlain && URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || url.username !== '' || url.hash !== '' || !['https:', 'http:'].includes(url.protocol)) {
    account.wrong('token_uri', 'must be an https URL');
    return '';
  }
  // An assertion in clear text is worth an access token to whoever reads it; only a service on this machine may take it so.
  if (url.protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)) {
    account.wrong('token_uri', 'must be an https URL');
  }
  return String(given);
}

/** The secret of an opened FCM credential, as {@link parseServiceAccount} made it. */
export function fcmSecret(credential: Credential): FcmSecret {
  return credential.secret as FcmSecret;
}

/** Access tokens for FCM: our own assertion against the account's `token_uri`, shared by all processes. */
export function accessTokens(
  transport: Transport,
  store: SharedTokenStore,
  clock: Clock,
  endpoints: Endpoints,
): TokenCache {
  return new TokenCache(store, clock, {
    keyOf: (credential) => `${credential.id}.${credential.version}`,
    isFresh: (token, now) => {
      const lifeMs = token.expiresAt.getTime() - token.issuedAt.getTime();
      return token.expiresAt.getTime() - now.getTime() > Math.min(RENEW_AHEAD_MS, lifeMs / 10);
    },
    isUsable: (token, now) => token.expiresAt > now,
    mayReplace: () => true,
    mint: (credential, now) => mint(transport, endpoints, credential, now),
  });
}

async function mint(
  transport: Transport,
  endpoints: Endpoints,
  credential: Credential,
  now: Date,
): Promise<SharedToken> {
  const secret = fcmSecret(credential);
  const uri = new URL(secret.tokenUri);
  const endpoint = endpoints.tokenUri(secret.tokenUri, credential.simulated);
  const body = new URLSearchParams({ grant_type: GRANT_TYPE, assertion: assertion(secret, now) });
  const result = await new Promise<TransportResult>((settle) => {
    transport.request(
      {
        url: uri.origin,
        key: 'oauth',
        requireHttp2: false,
        ...(endpoint.ca !== undefined && { ca: endpoint.ca }),
        ...(uri.protocol === 'http:' && { allowInsecure: true }),
      },
      {
        method: 'POST',
        path: `${uri.pathname}${uri.search}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from(body.toString()),
        timeoutMs: TOKEN_TIMEOUT_MS,
      },
      settle,
    );
  });
  return readToken(result, now);
}

function readToken(result: TransportResult, now: Date): SharedToken {
  // Whatever became of the token request, the push that waits for it was never sent.
  if (result.kind !== 'response') {
    throw new MintError({ kind: 'not_processed', code: wordOr(result.reason, 'token_endpoint_unreachable') });
  }
  const body = result.status === 200 ? jsonBody(result) : undefined;
  const value = body?.['access_token'];
  const expiresIn = body?.['expires_in'];
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value) || typeof expiresIn !== 'number') {
    throw new MintError(tokenEndpointOutcome(result, now));
  }
  return { value, issuedAt: now, expiresAt: new Date(now.getTime() + expiresIn * 1000) };
}

function assertion(secret: FcmSecret, now: Date): string {
  const issuedAt = Math.floor(now.getTime() / 1000);
  return signJwt(
    'RS256',
    createPrivateKey(secret.privateKey),
    secret.privateKeyId === '' ? {} : { kid: secret.privateKeyId },
    {
      iss: secret.clientEmail,
      scope: SCOPE,
      aud: secret.tokenUri,
      iat: issuedAt,
      exp: issuedAt + ASSERTION_SECONDS,
    },
  );
}
