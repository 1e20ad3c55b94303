import { Module } from '@nestjs/common';
import { ApiKeysRepository } from './api-keys.repository.js';
import { ApiKeysService } from './api-keys.service.js';
import { ApplicationsRepository } from './applications.repository.js';
import { ApplicationsService } from './applications.service.js';
import { AuditRepository } from './audit.repository.js';

/** Tenants, their keys and their credentials, for every role. */
@Module({
  providers: [ApplicationsRepository, ApplicationsService, ApiKeysRepository, ApiKeysService, AuditRepository],
  exports: [ApplicationsService, ApiKeysService],
})
export class ApplicationsModule {}
