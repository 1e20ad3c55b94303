import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Clock } from '../../lib/clock.js';
import { CredentialInput } from '../credential-input.js';
import { fingerprintOf } from '../derive.js';
import { signJwt } from '../jwt.js';
import type { Credential, Environment, ParsedCredential, SharedToken, SharedTokenStore } from '../provider.js';
import { TokenCache } from '../token-cache.js';

/**
 * Milliseconds. Apple wants a provider token to be renewed no more than once in 20 minutes and takes it for 60.
 *
 * @see https://developer.apple.com/documentation/usernotifications/establishing-a-token-based-connection-to-apns (read 2026-11)
 */
const RENEW_AFTER_MS = 45 * 60_000;
const USABLE_MS = 55 * 60_000;
const LIFETIME_MS = 60 * 60_000;
/** Milliseconds. A refused token younger than this is a matter of clocks, and a newer one would be refused for its number. */
const MINIMUM_TOKEN_AGE_MS = 20 * 60_000;

const FIELDS_WITH_KEY = ['keyId', 'teamId', 'bundleId', 'privateKey', 'environment'];
const FIELDS_WITH_CERTIFICATE = ['certificate', 'privateKey', 'bundleId', 'environment'];
const TEN = /^[A-Z0-9]{10}$/;

interface CommonSecret extends Record<string, unknown> {
  bundleId: string;
  environment: Environment;
  /** PEM. */
  privateKey: string;
}

interface KeySecret extends CommonSecret {
  mode: 'key';
  keyId: string;
  teamId: string;
  /** What credentials with the same key share, so that they share its provider token too. */
  keyFingerprint: string;
}

interface CertificateSecret extends CommonSecret {
  mode: 'certificate';
  /** PEM. */
  certificate: string;
}

/** What {@link parseApnsCredential} stored. */
export type ApnsSecret = KeySecret | CertificateSecret;

/** The secret of an opened APNs credential. */
export function apnsSecret(credential: Credential): ApnsSecret {
  return credential.secret as ApnsSecret;
}

/**
 * Checks `{ keyId, teamId, bundleId, privateKey, environment }` or `{ certificate, privateKey, bundleId, environment }`.
 *
 * @throws DomainError `invalid_credential`
 */
export function parseApnsCredential(input: unknown, now: Date): ParsedCredential {
  const fields = new CredentialInput(input);
  const isCertificate = fields.has('certificate');
  fields.refuseUnknown(isCertificate ? FIELDS_WITH_CERTIFICATE : FIELDS_WITH_KEY);
  const bundleId = fields.text('bundleId', /^[A-Za-z0-9][A-Za-z0-9.-]{0,154}$/, 'must be a bundle id');
  const environment = fields.text('environment', /^(production|sandbox)$/, 'must be "production" or "sandbox"');
  const common = { bundleId, environment: environment === 'sandbox' ? 'sandbox' : 'production' } as const;
  return isCertificate ? parseCertificate(fields, common, now) : parseKey(fields, common);
}

type Common = Pick<CommonSecret, 'bundleId' | 'environment'>;

function parseKey(fields: CredentialInput, common: Common): ParsedCredential {
  const keyId = fields.text('keyId', TEN, 'must be 10 upper-case letters and digits');
  const teamId = fields.text('teamId', TEN, 'must be 10 upper-case letters and digits');
  const key = fields.privateKey('privateKey');
  if (key !== undefined && key.key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    fields.wrong('privateKey', 'must be an EC key on P-256, as in the .p8 file');
  }
  fields.finish('APNs');
  const privateKey = key?.pem ?? '';
  const keyFingerprint = fingerprintOf(teamId, keyId, privateKey);
  const secret: KeySecret = { mode: 'key', ...common, keyId, teamId, privateKey, keyFingerprint };
  return { publicParts: { keyId, teamId, ...common }, secret, fingerprint: fingerprintOf(keyId, privateKey) };
}

function parseCertificate(fields: CredentialInput, common: Common, now: Date): ParsedCredential {
  const pem = fields.value('certificate');
  const certificate = readCertificate(pem);
  const key = fields.privateKey('privateKey');
  if (certificate === undefined) fields.wrong('certificate', 'must be a certificate in PEM');
  else {
    if (certificate.validToDate <= now)
      fields.wrong('certificate', `expired on ${certificate.validToDate.toISOString()}`);
    if (certificate.validFromDate > now) {
      fields.wrong('certificate', `not valid before ${certificate.validFromDate.toISOString()}`);
    }
    if (key !== undefined && !certificate.checkPrivateKey(key.key)) {
      fields.wrong('privateKey', 'does not belong to the certificate');
    }
  }
  fields.finish('APNs');
  const privateKey = key?.pem ?? '';
  const secret: CertificateSecret = { mode: 'certificate', ...common, privateKey, certificate: String(pem) };
  return {
    publicParts: { ...common, certificateExpiresAt: certificate?.validToDate.toISOString() ?? '' },
    secret,
    fingerprint: fingerprintOf(certificate?.fingerprint256 ?? '', privateKey),
  };
}

function readCertificate(pem: unknown): X509Certificate | undefined {
  try {
    return typeof pem === 'string' ? new X509Certificate(pem) : undefined;
  } catch {
    return undefined;
  }
}

/** Provider tokens: one per team and key in this process, one per credential in the fleet. */
export function providerTokens(store: SharedTokenStore, clock: Clock): TokenCache {
  const ageMs = (token: SharedToken, now: Date) => now.getTime() - token.issuedAt.getTime();
  return new TokenCache(store, clock, {
    keyOf: (credential) => String(credential.secret['keyFingerprint']),
    isFresh: (token, now) => ageMs(token, now) < RENEW_AFTER_MS,
    isUsable: (token, now) => ageMs(token, now) < USABLE_MS,
    mayReplace: (rejected, now) => ageMs(rejected, now) >= MINIMUM_TOKEN_AGE_MS,
    mint: async (credential, now) => mint(apnsSecret(credential), now),
  });
}

function mint(secret: ApnsSecret, now: Date): SharedToken {
  if (secret.mode !== 'key') throw new Error('a certificate needs no provider token');
  const issuedAtSeconds = Math.floor(now.getTime() / 1000);
  const value = signJwt(
    'ES256',
    createPrivateKey(secret.privateKey),
    { kid: secret.keyId },
    { iss: secret.teamId, iat: issuedAtSeconds },
  );
  return { value, issuedAt: now, expiresAt: new Date(now.getTime() + LIFETIME_MS) };
}
