import { Inject, Injectable } from '@nestjs/common';
import { CredentialsService } from '../applications/credentials.service.js';
import type { ProviderName } from '../lib/names.js';
import { type Environment, PROVIDERS, type Provider } from '../providers/provider.js';
import { hashToken } from './device.js';
import type { StoredToken } from './devices.repository.js';

/** The address of a device as it is registered; `token` is not checked yet. */
export interface GivenToken {
  token: unknown;
  environment?: Environment | undefined;
  vapidPublicKey?: string | undefined;
}

/** What holds for a token that does not say it itself. */
export type TokenDefaults = Pick<GivenToken, 'environment' | 'vapidPublicKey'>;

/** Turns what an app registers into the address that is stored. */
@Injectable()
export class DeviceTokens {
  constructor(
    @Inject(PROVIDERS) private readonly providers: ReadonlyMap<ProviderName, Provider>,
    private readonly credentials: CredentialsService,
  ) {}

  /** From the application's current credential; nothing without one, or for a provider that knows neither. */
  async defaults(applicationId: string, provider: ProviderName): Promise<TokenDefaults> {
    if (provider === 'fcm') return {};
    const [current] = await this.credentials.open(applicationId, provider);
    if (!current) return {};
    const { environment, publicKey } = current.publicParts;
    if (provider === 'webpush') return { vapidPublicKey: publicKey };
    return environment === 'production' || environment === 'sandbox' ? { environment } : {};
  }

  /** @throws DomainError `invalid_token` with the path of each wrong field */
  parse(provider: ProviderName, given: GivenToken, defaults: TokenDefaults): StoredToken {
    const adapter = this.providers.get(provider);
    if (!adapter) throw new Error(`there is no adapter for ${provider}`);
    const environment = given.environment ?? defaults.environment;
    const vapidPublicKey = given.vapidPublicKey ?? defaults.vapidPublicKey;
    const parsed = adapter.parseToken(given.token, {
      ...(environment === undefined ? {} : { environment }),
      ...(vapidPublicKey === undefined ? {} : { vapidPublicKey }),
    });
    return {
      token: parsed.token,
      tokenHash: hashToken(parsed.identity),
      environment: parsed.environment ?? null,
      vapidPublicKey: parsed.vapidPublicKey ?? null,
    };
  }
}
