import { type DynamicModule, Global, Module } from '@nestjs/common';
import { CLOCK, systemClock } from '../lib/clock.js';
import { CONFIG, type Config } from './config.js';

/** Gives the parsed configuration and the clock to every module. */
@Global()
@Module({})
export class ConfigModule {
  static of(config: Config): DynamicModule {
    return {
      module: ConfigModule,
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: CLOCK, useValue: systemClock },
      ],
      exports: [CONFIG, CLOCK],
    };
  }
}
