import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import { CLOCK } from '../lib/clock.js';
import { TRANSPORT } from '../transport/transport.js';
import { PROVIDERS, SHARED_TOKEN_STORE } from './provider.js';
import { createProviders } from './registry.js';

/** The adapters, as {@link PROVIDERS}. */
@Module({})
export class ProvidersModule {
  /**
   * @param imports the modules that export `TRANSPORT` and `SHARED_TOKEN_STORE`. The store is above this folder, so
   *                whoever binds it also calls this, once, and exports the result on
   */
  static of(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: ProvidersModule,
      imports,
      providers: [
        {
          provide: PROVIDERS,
          inject: [CONFIG, TRANSPORT, SHARED_TOKEN_STORE, CLOCK],
          useFactory: createProviders,
        },
      ],
      exports: [PROVIDERS],
    };
  }
}
