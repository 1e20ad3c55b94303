import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ApiKeysController } from './applications/api-keys.controller.js';
import { ApplicationsController } from './applications/applications.controller.js';
import { ApplicationsModule } from './applications/applications.module.js';
import { CallerGuard } from './applications/caller.guard.js';
import { HttpModule } from './http/http.module.js';

/** What the api role runs: every controller and gateway. The modules bring the services that these use. */
@Module({
  imports: [HttpModule, ApplicationsModule],
  controllers: [ApplicationsController, ApiKeysController],
  providers: [{ provide: APP_GUARD, useClass: CallerGuard }],
})
export class ApiModule {}
