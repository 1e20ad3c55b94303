/** Credentials as the API shows them, and what a verification of one means. */
import { api, dataOf } from '../../api/client.js';
import type { paths } from '../../api/schema.js';
import type { credentialTexts } from './credentials.i18n.js';

type Path = '/v1/applications/{id}/credentials/{provider}';
type Stored = paths[Path]['get']['responses'][200]['content']['application/json'];
export type ProviderName = Stored['provider'];
export type Verification = paths[`${Path}/verify`]['post']['responses'][200]['content']['application/json'];
type TextName = keyof typeof credentialTexts.en;

export const PROVIDERS: readonly ProviderName[] = ['fcm', 'apns', 'webpush'];

/** The public parts that a provider's credential may have, in the order in which they are shown. */
export const PUBLIC_PARTS = [
  'projectId',
  'clientEmail',
  'privateKeyId',
  'bundleId',
  'environment',
  'teamId',
  'keyId',
  'certificateExpiresAt',
  'subject',
  'publicKey',
] as const;

/** The schema tells the common fields only: which public parts there are depends on the provider. */
export type Credential = Stored & { [K in (typeof PUBLIC_PARTS)[number]]?: string };

/** What a form hands over; sent at once and kept nowhere. */
export type CredentialInput = { simulated?: boolean; [field: string]: unknown };

export async function credentialsOf(app: string, signal: AbortSignal): Promise<Credential[]> {
  const params = { path: { id: app } };
  return (await dataOf(api.GET('/v1/applications/{id}/credentials', { params, signal }))).items;
}

export async function storeCredential(app: string, provider: ProviderName, body: CredentialInput): Promise<void> {
  await api.PUT('/v1/applications/{id}/credentials/{provider}', { params: { path: { id: app, provider } }, body });
}

export function verifyCredential(app: string, provider: ProviderName): Promise<Verification> {
  const params = { path: { id: app, provider } };
  return dataOf(api.POST('/v1/applications/{id}/credentials/{provider}/verify', { params }));
}

const APNS_ADVICE: Readonly<Record<string, TextName>> = {
  BadTopic: 'adviceApnsTopic',
  MissingTopic: 'adviceApnsTopic',
  TopicDisallowed: 'adviceApnsTopic',
  BadEnvironmentKeyIdInToken: 'adviceApnsEnvironment',
  BadEnvironmentKeyInToken: 'adviceApnsEnvironment',
  BadCertificateEnvironment: 'adviceApnsEnvironment',
  BadCertificate: 'adviceApnsCertificate',
};

/** What to do about a credential that its provider refuses. @param code the provider's own word */
export function adviceFor(provider: ProviderName, code: string): TextName {
  if (provider === 'fcm') return 'adviceFcm';
  if (provider === 'webpush') return 'adviceWebpush';
  return APNS_ADVICE[code] ?? 'adviceApns';
}

/** What a verification showed, as the name of a text. */
export function verdictOf(provider: ProviderName, { ok, state }: Verification): TextName {
  if (ok) return provider === 'webpush' ? 'verifiedWebpush' : 'verified';
  return state === 'broken' ? 'refused' : 'unclear';
}
