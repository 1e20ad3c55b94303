import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';

export const TEMPLATE_DATABASE = 'carillon_template';

export interface TestDatabase {
  url: string;
  /** Closes connections that are still open, too. */
  drop(): Promise<void>;
}

/** A database of its own, already migrated, for one test file. `{ migrated: false }`: without a single table. */
export async function createTestDatabase(options: { migrated: boolean } = { migrated: true }): Promise<TestDatabase> {
  const serverUrl = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = await createDatabase(serverUrl, name, options.migrated ? TEMPLATE_DATABASE : 'template0');
  return { url, drop: () => administer(serverUrl, `drop database if exists ${name} with (force)`) };
}

/** @returns the URL of the new database */
export async function createDatabase(serverUrl: string, name: string, template: string): Promise<string> {
  // Four times faster than the default, which writes the whole template through the log; its checkpoints cost nothing here.
  await administer(serverUrl, `create database ${name} template ${template} strategy file_copy`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function administer(serverUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
