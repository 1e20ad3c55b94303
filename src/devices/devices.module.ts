import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { EventsModule } from '../events/events.module.js';
import { AudienceRepository } from './audience.repository.js';
import { AudienceSizes } from './audience-size.js';
import { AudienceSizeRepository } from './audience-size.repository.js';
import { BulkRegistration } from './bulk-registration.js';
import { DeviceDirectory } from './device-directory.js';
import { DeviceHistoryRepository } from './device-history.repository.js';
import { DeviceTokens } from './device-tokens.js';
import { DevicesRepository } from './devices.repository.js';
import { DevicesService } from './devices.service.js';
import { RegistrationRepository } from './registration.repository.js';
import { RegistrationService } from './registration.service.js';
import { TokenHealth } from './token-health.js';
import { TokenHealthRepository } from './token-health.repository.js';
import { TopicsRepository } from './topics.repository.js';
import { UserClaims } from './user-claims.js';
import { UsersRepository } from './users.repository.js';

/** Devices, for every role; the controller is in `api.module.ts`. */
@Module({
  imports: [ApplicationsModule, EventsModule],
  providers: [
    AudienceRepository,
    AudienceSizeRepository,
    AudienceSizes,
    BulkRegistration,
    DeviceDirectory,
    DeviceHistoryRepository,
    DeviceTokens,
    DevicesRepository,
    DevicesService,
    RegistrationRepository,
    RegistrationService,
    TokenHealth,
    TokenHealthRepository,
    TopicsRepository,
    UserClaims,
    UsersRepository,
  ],
  exports: [AudienceSizes, BulkRegistration, DeviceDirectory, DevicesService, RegistrationService, TokenHealth],
})
export class DevicesModule {}
