import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Notifications also go to open screens: what is owed to them, and which users said that they saw it. */
export class Live1780000000007 implements MigrationInterface {
  readonly name = 'Live1780000000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Written with its notification, and gone when it was delivered: for users in the very statement that fills their inboxes.
      create table live_notice (
        notification_id uuid primary key,
        application_id uuid not null,
        kind text not null check (kind in ('users', 'topics', 'all')),
        -- User ids, or topics.
        names text[] not null,
        -- The data of the message, as JSON text.
        message text not null,
        due_at timestamptz not null,
        expires_at timestamptz not null
      );
      -- Somebody waits for what goes to a few, and must not stand behind long lists.
      create index live_notice_few on live_notice (due_at) where kind = 'users' and cardinality(names) <= 20;
      create index live_notice_many on live_notice (due_at) where kind = 'users' and cardinality(names) > 20;
      create index live_notice_broadcast on live_notice (due_at) where kind <> 'users';

      -- Somebody was given a realtime token once. Before that nobody can look, and nothing is owed to screens by default.
      alter table application add column has_screens boolean not null default false;

      create table live_acknowledgement (
        notification_id uuid not null,
        user_id text not null,
        application_id uuid not null,
        at timestamptz not null default carillon_now(),
        primary key (notification_id, user_id)
      );
      create index live_acknowledgement_user on live_acknowledgement (application_id, user_id);
      create index live_acknowledgement_at on live_acknowledgement (at);
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
