import type { DataSource, EntityManager } from 'typeorm';

/** What SQL runs on: the pool, or an open transaction that a service passed on. */
export type Database = Pick<EntityManager, 'query'> | Pick<DataSource, 'query'>;

/** Nest injection token for the process's TypeORM `DataSource`. */
export const DATA_SOURCE = Symbol('DataSource');
