import { Module, type OnModuleInit } from '@nestjs/common';
import { HttpModule } from '../http/http.module.js';
import { Readiness } from '../http/readiness.js';
import { PROVIDERS, SHARED_TOKEN_STORE } from '../providers/provider.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { ApiKeysService } from './api-keys.service.js';
import { ApplicationsRepository } from './applications.repository.js';
import { ApplicationsService } from './applications.service.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';
import { CredentialsRepository } from './credentials.repository.js';
import { CredentialsService } from './credentials.service.js';
import { StoredSharedTokens } from './shared-token-store.js';
import { SharedTokensRepository } from './shared-tokens.repository.js';
import { UserTokensService } from './user-tokens.service.js';

/** Tenants, their keys and their credentials, for every role. */
@Module({
  imports: [HttpModule],
  providers: [
    ApplicationsRepository,
    ApplicationsService,
    ApiKeysRepository,
    ApiKeysService,
    AuditRepository,
    AuditService,
    CredentialsRepository,
    CredentialsService,
    SharedTokensRepository,
    UserTokensService,
    { provide: SHARED_TOKEN_STORE, useClass: StoredSharedTokens },
    { provide: PROVIDERS, useValue: new Map() },
  ],
  exports: [
    ApplicationsService,
    ApiKeysService,
    AuditService,
    CredentialsService,
    UserTokensService,
    SHARED_TOKEN_STORE,
    PROVIDERS,
  ],
})
export class ApplicationsModule implements OnModuleInit {
  constructor(
    private readonly readiness: Readiness,
    private readonly credentials: CredentialsService,
  ) {}

  onModuleInit(): void {
    this.readiness.register('masterKey', () => this.credentials.masterKeyProblem());
  }
}
