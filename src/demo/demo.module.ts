import { Module } from '@nestjs/common';
import { NotificationsModule } from '../notifications/notifications.module.js';
import { RealtimeModule } from '../realtime/realtime.module.js';
import { DemoController } from './demo.controller.js';
import { DemoService } from './demo.service.js';
import { DemoApplication } from './demo-application.js';
import { Ticker } from './ticker.js';

/** Part of the api where `npm start` says so by `DEMO_FILE`, and nowhere else. */
@Module({
  imports: [NotificationsModule, RealtimeModule],
  controllers: [DemoController],
  providers: [DemoApplication, DemoService, Ticker],
})
export class DemoModule {}
