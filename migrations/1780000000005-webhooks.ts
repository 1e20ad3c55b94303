import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Webhooks, the messages they owe, and what came of each attempt: other systems hear what happened. */
export class Webhooks1780000000005 implements MigrationInterface {
  readonly name = 'Webhooks1780000000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table webhook (
        id uuid primary key,
        application_id uuid not null references application on delete cascade,
        url text not null,
        events text[] not null,
        secret bytea not null,
        -- The secret before the last rotation; signs beside the new one until then.
        previous_secret bytea,
        previous_until timestamptz,
        enabled boolean not null default true,
        disabled_reason text check (disabled_reason in ('requested', 'gone', 'failing')),
        disabled_at timestamptz,
        -- The first failure since the last success.
        failing_since timestamptz,
        created_at timestamptz not null default carillon_now(),
        check (enabled = (disabled_reason is null) and enabled = (disabled_at is null))
      );
      -- Asked with every fact that somebody might want to hear of.
      create index webhook_application on webhook (application_id, id);

      create table webhook_message (
        -- The order of the facts, as far as one waited for the other.
        id bigint generated always as identity primary key,
        webhook_id uuid not null references webhook on delete cascade,
        event_id uuid not null,
        type text not null,
        -- What it is about; of two messages about the same, the later waits for the earlier.
        order_key text not null,
        data jsonb not null,
        occurred_at timestamptz not null,
        state text not null default 'pending' check (state in ('pending', 'done', 'given_up')),
        attempts integer not null default 0,
        -- Failures since it was written or replayed: which delay of the schedule comes next.
        step integer not null default 0,
        -- While leased, the end of the lease: whoever held it is taken for dead then.
        next_at timestamptz not null,
        lease_until timestamptz,
        -- Counts hand-overs: a job, or a worker, that was overtaken finds another number here.
        epoch integer not null default 0,
        ended_at timestamptz,
        unique (webhook_id, event_id)
      );
      create index webhook_message_due on webhook_message (webhook_id, next_at, id) where state = 'pending';
      create index webhook_message_order on webhook_message (webhook_id, order_key, id) where state = 'pending';
      create index webhook_message_leased on webhook_message (webhook_id) where lease_until is not null;
      create index webhook_message_list on webhook_message (webhook_id, id);
      create index webhook_message_ended on webhook_message (ended_at) where ended_at is not null;

      create table webhook_attempt (
        id bigint generated always as identity primary key,
        webhook_id uuid not null references webhook on delete cascade,
        event_id uuid not null,
        type text not null,
        number integer not null,
        at timestamptz not null,
        succeeded boolean not null,
        -- Null when there was no answer.
        status integer,
        -- Our own word for what went wrong; never anything that the receiver said.
        error text,
        latency_ms integer not null,
        next_at timestamptz
      );
      create index webhook_attempt_list on webhook_attempt (webhook_id, id);
      create index webhook_attempt_at on webhook_attempt (at);
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
