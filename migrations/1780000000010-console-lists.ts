import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The console searches what nobody had to search before: users by the beginning of their ids, and the few devices that are not active. */
export class ConsoleLists1780000000010 implements MigrationInterface {
  readonly name = 'ConsoleLists1780000000010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- In the order of bytes the index by user also finds prefixes; in a language's order it does not.
      alter table device alter column user_id type text collate "C";

      create index device_inactive on device (application_id, status, id) include (provider) where status <> 'active';
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
