import { Module } from '@nestjs/common';
import { AccountsRepository } from './accounts.repository.js';
import { AccountsService } from './accounts.service.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';
import { LockOuts } from './lock-outs.js';
import { LockOutsRepository } from './lock-outs.repository.js';
import { SessionsRepository } from './sessions.repository.js';
import { SessionsService } from './sessions.service.js';
import { SignInService } from './sign-in.service.js';

/** People: their accounts and sessions, and the log of what they and the keys changed. */
@Module({
  providers: [
    AccountsRepository,
    AccountsService,
    AuditRepository,
    AuditService,
    LockOuts,
    LockOutsRepository,
    SessionsRepository,
    SessionsService,
    SignInService,
  ],
  exports: [AccountsService, AuditService, SessionsService, SignInService],
})
export class AccountsModule {}
