import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Applications with their keys and credentials, and the clock that all SQL reads. */
export class Tenants1780000000000 implements MigrationInterface {
  readonly name = 'Tenants1780000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The clock of every policy. Its offset is zero outside tests, which move it instead of waiting.
      create table clock_offset (only_row boolean primary key default true check (only_row), value interval not null default '0');
      insert into clock_offset default values;
      create function carillon_now() returns timestamptz language sql stable as
        $$ select statement_timestamp() + (select value from clock_offset) $$;

      create table application (
        id uuid primary key,
        name text not null,
        user_token_public_key text,
        require_user_token boolean not null default true,
        cors_origins text[] not null default '{}',
        created_at timestamptz not null default carillon_now()
      );

      create table api_key (
        id uuid primary key,
        application_id uuid references application on delete cascade,
        role text not null check (role in ('client', 'server', 'admin')),
        name text not null default '',
        prefix text not null,
        secret_hash bytea not null unique,
        created_at timestamptz not null default carillon_now(),
        expires_at timestamptz,
        revoked_at timestamptz,
        last_used_at timestamptz,
        check (application_id is not null or role = 'admin')
      );
      create index api_key_application on api_key (application_id);

      create table credential (
        id uuid primary key,
        application_id uuid not null references application on delete cascade,
        provider text not null check (provider in ('fcm', 'apns', 'webpush')),
        version integer not null,
        state text not null default 'ok' check (state in ('ok', 'broken')),
        state_reason text,
        sealed bytea not null,
        fingerprint text not null,
        public_parts jsonb not null,
        simulated boolean not null default false,
        created_at timestamptz not null default carillon_now(),
        unique (application_id, provider, version)
      );

      create table provider_token (
        credential_id uuid primary key references credential on delete cascade,
        sealed bytea not null,
        issued_at timestamptz not null,
        expires_at timestamptz not null
      );

      create table audit_log (
        id bigint generated always as identity primary key,
        at timestamptz not null default carillon_now(),
        key_id text not null,
        application_id uuid,
        action text not null,
        subject text not null
      );
      create index audit_log_at on audit_log (at);
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
