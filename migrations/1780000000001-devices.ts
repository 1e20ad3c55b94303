import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Devices and the topics they belong to: who can be reached. */
export class Devices1780000000001 implements MigrationInterface {
  readonly name = 'Devices1780000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table device (
        id bigint generated always as identity primary key,
        public_id uuid not null unique,
        application_id uuid not null references application on delete cascade,
        provider text not null check (provider in ('fcm', 'apns', 'webpush')),
        token text not null,
        token_hash bytea not null,
        environment text check (environment in ('production', 'sandbox')),
        vapid_public_key text,
        user_id text,
        secret_hash bytea,
        status text not null default 'active' check (status in ('active', 'invalid', 'refused')),
        registered_at timestamptz not null default carillon_now(),
        invalid_at timestamptz,
        invalid_reason text,
        locale text,
        time_zone text,
        app_version text,
        tags jsonb not null default '{}',
        created_at timestamptz not null default carillon_now(),
        unique (application_id, provider, token_hash)
        -- Room for the next registration of the same token beside the row, without touching an index.
      ) with (fillfactor = 90);
      -- The audience "all", the lists and the upper bound walk by id without touching the rows.
      create index device_audience on device (application_id, id) include (provider, status);
      create index device_user on device (application_id, user_id, id) where user_id is not null;
      create index device_set_aside on device (application_id, provider, invalid_at) where status = 'refused';
      create index device_tags on device using gin (tags jsonb_path_ops) where tags <> '{}';

      create table topic_member (
        application_id uuid not null,
        topic text not null,
        device_id bigint not null,
        primary key (application_id, topic, device_id)
      );
      create index topic_member_device on topic_member (device_id);

      -- Instead of a foreign key, whose check of each row was a third of an import: memberships are only written under the
      -- lock of their device, and end with it here, however it is removed.
      create function device_leaves_topics() returns trigger language plpgsql as $$
      begin
        delete from topic_member m using gone where m.device_id = gone.id;
        return null;
      end
      $$;
      create trigger device_leaves_topics after delete on device
        referencing old table as gone for each statement execute function device_leaves_topics();
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
