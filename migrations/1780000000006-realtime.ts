import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Inboxes outlive Redis, and a revoked realtime token stays revoked on every node until it would have expired. */
export class Realtime1780000000006 implements MigrationInterface {
  readonly name = 'Realtime1780000000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The row lock orders what is published to one inbox: numbers become visible in their order.
      create table realtime_inbox (
        application_id uuid not null references application on delete cascade,
        user_id text not null,
        epoch text not null,
        last_seq bigint not null default 0,
        used_at timestamptz not null default carillon_now(),
        primary key (application_id, user_id)
      ) with (fillfactor = 70);
      create index realtime_inbox_used on realtime_inbox (used_at);

      create table realtime_inbox_message (
        application_id uuid not null,
        user_id text not null,
        seq bigint not null,
        event text not null,
        data text not null,
        at timestamptz not null,
        expires_at timestamptz not null,
        primary key (application_id, user_id, seq),
        foreign key (application_id, user_id) references realtime_inbox on delete cascade
      );
      create index realtime_inbox_message_expiry on realtime_inbox_message (expires_at);

      -- Numbers are never used again, so a token that was issued under one stays revoked when the row that revoked it is gone.
      create sequence realtime_generation;
      create table realtime_revocation (
        application_id uuid not null references application on delete cascade,
        kind text not null check (kind in ('user', 'token')),
        subject text not null,
        generation bigint not null default nextval('realtime_generation'),
        revoked_at timestamptz not null default carillon_now(),
        expires_at timestamptz not null,
        primary key (application_id, kind, subject)
      );
      create index realtime_revocation_revoked on realtime_revocation (revoked_at);
      create index realtime_revocation_expiry on realtime_revocation (expires_at);
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
