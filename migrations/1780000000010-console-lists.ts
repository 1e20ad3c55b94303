import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The console looks for what nobody had to look for before: users by the beginning of their ids, the few devices that are not active, and what happened to a device. */
export class ConsoleLists1780000000010 implements MigrationInterface {
  readonly name = 'ConsoleLists1780000000010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- In the order of bytes the index by user also finds prefixes; in a language's order it does not.
      alter table device alter column user_id type text collate "C";

      create index device_inactive on device (application_id, status, id) include (provider) where status <> 'active';

      -- Without foreign keys: it outlives its devices, and goes by age. The first registration stands in the device itself.
      create table device_history (
        id bigint generated always as identity primary key,
        at timestamptz not null,
        application_id uuid not null,
        public_id uuid not null,
        event text not null check (event in
          ('registered', 'token_changed', 'user_changed', 'invalidated', 'refused', 'restored', 'revived', 'deleted')),
        detail text
      );
      create index device_history_device on device_history (public_id, id);
      create index device_history_age on device_history (at);
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
