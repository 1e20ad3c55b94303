import type { MigrationInterface, QueryRunner } from 'typeorm';

/** People sign in to the console: their accounts and sessions, and what they did in the audit log. */
export class Accounts1780000000008 implements MigrationInterface {
  readonly name = 'Accounts1780000000008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table account (
        id uuid primary key,
        -- In lower case.
        email text not null unique,
        name text not null,
        role text not null check (role in ('viewer', 'operator', 'owner')),
        -- PHC string of argon2id; null: signs in with links alone.
        password_hash text,
        is_disabled boolean not null default false,
        created_at timestamptz not null default carillon_now(),
        last_sign_in_at timestamptz
      );

      create table account_session (
        id uuid primary key,
        account_id uuid not null references account on delete cascade,
        secret_hash bytea not null unique,
        created_at timestamptz not null default carillon_now(),
        last_seen_at timestamptz not null default carillon_now(),
        expires_at timestamptz not null
      );
      create index account_session_account on account_session (account_id, created_at);

      -- One at a time: a new link ends the one before.
      create table sign_in_link (
        account_id uuid primary key references account on delete cascade,
        token_hash bytea not null unique,
        expires_at timestamptz not null
      );

      -- Attempts by address, by email, and by both, as hashes: emails that nobody has count like all others.
      create table sign_in_failure (
        subject text primary key,
        failures integer not null,
        last_at timestamptz not null,
        locked_until timestamptz,
        -- This email has signed in from this address.
        is_known boolean not null default false
      );
      create index sign_in_failure_last_at on sign_in_failure (last_at);

      -- The email as it was then: entries outlive accounts.
      alter table audit_log add column account_id uuid, add column account_email text;
      create index audit_log_application on audit_log (application_id, id);
      create index audit_log_account on audit_log (account_id, id) where account_id is not null;
      create index audit_log_subject on audit_log (subject, id);
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
