import { Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { CONFIG, type Config } from '../config/config.js';
import { EventsModule } from '../events/events.module.js';
import { HttpModule } from '../http/http.module.js';
import { Readiness } from '../http/readiness.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { PROVIDERS, type Provider, type ProviderName, SHARED_TOKEN_STORE } from '../providers/provider.js';
import { createProviders } from '../providers/registry.js';
import { nodeConnections } from '../transport/http2-connection.js';
import { PooledTransport } from '../transport/pooled-transport.js';
import { TRANSPORTS, type Transports } from '../transport/transport.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { ApiKeysService } from './api-keys.service.js';
import { ApplicationsRepository } from './applications.repository.js';
import { ApplicationsService } from './applications.service.js';
import { CredentialsRepository } from './credentials.repository.js';
import { CredentialsService } from './credentials.service.js';
import { StoredSharedTokens } from './shared-token-store.js';
import { SharedTokensRepository } from './shared-tokens.repository.js';
import { UserTokensService } from './user-tokens.service.js';

/**
 * Tenants, their keys and their credentials, for every role. The providers' adapters are made here too: they check the
 * credentials that come in, and need the shared tokens that this folder keeps.
 */
@Module({
  imports: [AccountsModule, EventsModule, HttpModule],
  providers: [
    ApplicationsRepository,
    ApplicationsService,
    ApiKeysRepository,
    ApiKeysService,
    CredentialsRepository,
    CredentialsService,
    SharedTokensRepository,
    UserTokensService,
    { provide: SHARED_TOKEN_STORE, useClass: StoredSharedTokens },
    {
      provide: TRANSPORTS,
      inject: [CLOCK, CONFIG],
      useFactory: (clock: Clock, config: Config): Transports => {
        const options = { clock, ...(config.PROVIDER_TRANSPORT === 'node' && { http2: nodeConnections }) };
        return { known: new PooledTransport(options), open: new PooledTransport(options) };
      },
    },
    {
      provide: PROVIDERS,
      inject: [CONFIG, TRANSPORTS, SHARED_TOKEN_STORE, CLOCK],
      useFactory: createProviders,
    },
  ],
  exports: [
    ApplicationsService,
    ApiKeysService,
    AccountsModule,
    CredentialsService,
    UserTokensService,
    SHARED_TOKEN_STORE,
    PROVIDERS,
  ],
})
export class ApplicationsModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly readiness: Readiness,
    private readonly credentials: CredentialsService,
    @Inject(PROVIDERS) private readonly providers: ReadonlyMap<ProviderName, Provider>,
    @Inject(TRANSPORTS) private readonly transports: Transports,
  ) {}

  onModuleInit(): void {
    this.readiness.register('masterKey', () => this.credentials.masterKeyProblem());
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.providers.values()].map((provider) => provider.close()));
    await Promise.all([this.transports.known.close(), this.transports.open.close()]);
  }
}
