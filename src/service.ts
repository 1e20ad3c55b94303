import { type DynamicModule, Logger, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiModule } from './api.module.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { DemoModule } from './demo/demo.module.js';
import { makeHttpAdapter } from './http/fastify.js';
import { JsonLogger, logLabels } from './http/logger.js';
import { Readiness } from './http/readiness.js';
import { followTls } from './http/tls.js';
import { WorkerModule } from './worker.module.js';

/** A running process of the given role. `port` is undefined for a worker without WORKER_HEALTH_PORT. */
export interface Service {
  app: NestFastifyApplication;
  port: number | undefined;
  /** Not ready from now on; then ends requests, jobs and connections in order. */
  stop(): Promise<void>;
}

/** Milliseconds after which a stop no longer waits for clients: work in hand has at most 25 s, all of it 29 s. */
const CONNECTIONS_DEADLINE_MS = 26_000;

function modulesOf(config: Config): (Type | DynamicModule)[] {
  const api = config.CARILLON_ROLE !== 'worker' ? [ApiModule] : [];
  const worker = config.CARILLON_ROLE !== 'api' ? [WorkerModule.of(config)] : [];
  const demo = config.CARILLON_ROLE !== 'worker' && config.DEMO_FILE !== undefined ? [DemoModule] : [];
  return [...api, ...demo, ...worker];
}

/**
 * Starts the role that the configuration names, in this process. The database must be there and migrated.
 *
 * @param extraModules of tests
 */
export async function startService(config: Config, extraModules: readonly Type[] = []): Promise<Service> {
  const logger = new JsonLogger(config.LOG_LEVEL, logLabels(config));
  @Module({
    imports: [ConfigModule.of(config), DatabaseModule, ...modulesOf(config), ...extraModules],
  })
  class RootModule {}

  const app = await NestFactory.create<NestFastifyApplication>(RootModule, makeHttpAdapter(config), {
    logger,
    bodyParser: false,
    abortOnError: false,
  });
  const stopFollowing = followTls(config, app.getHttpServer(), (error) => {
    new Logger('tls').log({ event: error ? 'tls.reload_failed' : 'tls.reloaded', err: error });
  });
  const port = await listen(app, config);
  return {
    app,
    port,
    stop: async () => {
      app.get(Readiness).drain();
      stopFollowing();
      const deadline = setTimeout(() => app.getHttpServer().closeAllConnections(), CONNECTIONS_DEADLINE_MS);
      await app.close().finally(() => clearTimeout(deadline));
    },
  };
}

async function listen(app: NestFastifyApplication, config: Config): Promise<number | undefined> {
  const port = config.CARILLON_ROLE === 'worker' ? config.WORKER_HEALTH_PORT : config.PORT;
  if (port === undefined) {
    await app.init();
    return undefined;
  }
  await app.listen(port, config.HOST);
  const address = app.getHttpServer().address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
