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
      );
      -- Audiences walk by id; these two serve "all" and "users" without touching rows that cannot be sent to.
      create index device_audience on device (application_id, id) include (provider) where status = 'active';
      create index device_user on device (application_id, user_id, id) where user_id is not null;
      create index device_set_aside on device (application_id, provider, invalid_at) where status = 'refused';
      create index device_tags on device using gin (tags jsonb_path_ops) where tags <> '{}';

      create table topic_member (
        application_id uuid not null,
        topic text not null,
        device_id bigint not null references device on delete cascade,
        primary key (application_id, topic, device_id)
      );
      create index topic_member_device on topic_member (device_id);
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
