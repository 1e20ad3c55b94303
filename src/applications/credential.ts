import type { ProviderName } from '../lib/names.js';

/** What may be shown of a credential: everything but its secret. */
export interface StoredCredential {
  id: string;
  applicationId: string;
  provider: ProviderName;
  /** Counts up with each replacement. */
  version: number;
  state: 'ok' | 'broken';
  /** Why it is broken, in the provider's words. */
  stateReason: string | null;
  fingerprint: string;
  publicParts: Record<string, string>;
  simulated: boolean;
  createdAt: Date;
}

/** The same with its sealed secret. */
export interface SealedCredential extends StoredCredential {
  sealed: Buffer;
}

/** What a credential's secret is sealed for. */
export function sealingContext(credential: Pick<StoredCredential, 'applicationId' | 'provider' | 'version'>): string[] {
  return ['credential', credential.applicationId, credential.provider, String(credential.version)];
}
