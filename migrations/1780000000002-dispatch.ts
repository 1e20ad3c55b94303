import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Notifications, their batches and the delivery log, in partitions by day, so that ageing out is a drop and not a delete. */
export class Dispatch1780000000002 implements MigrationInterface {
  readonly name = 'Dispatch1780000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table notification (
        id uuid not null primary key,
        application_id uuid not null,
        lane text not null check (lane in ('critical', 'normal', 'bulk')),
        semantics text not null check (semantics in ('at_least_once', 'at_most_once')),
        audience jsonb not null,
        content jsonb not null,
        options jsonb not null,
        overrides jsonb not null default '{}',
        state text not null check (state in ('scheduled', 'planning', 'sending', 'paused', 'completed', 'cancelled')),
        state_before_pause text,
        created_at timestamptz not null,
        send_at timestamptz not null,
        expires_at timestamptz not null,
        -- Planning: the last device id planned, the highest one that belongs to the audience, and whether it is finished.
        plan_cursor bigint not null default 0,
        plan_bound bigint,
        plan_wake_at timestamptz not null default carillon_now(),
        is_planned boolean not null default false,
        -- Providers whose remaining deliveries fail unsent, with the code: {"fcm": "INVALID_ARGUMENT"}.
        stopped jsonb not null default '{}',
        planned integer not null default 0,
        accepted integer not null default 0,
        failed integer not null default 0,
        expired integer not null default 0,
        cancelled integer not null default 0,
        suppressed integer not null default 0,
        unknown integer not null default 0,
        retried integer not null default 0,
        first_attempt_at timestamptz,
        completed_at timestamptz,
        rolled_up_at timestamptz
      ) partition by range (id);
      create index notification_list on notification (application_id, id);
      create index notification_live on notification (id) where completed_at is null;
      create index notification_plan on notification (plan_wake_at) where not is_planned and state <> 'cancelled';

      create table idempotency_key (
        application_id uuid not null,
        key text not null,
        request_hash bytea not null,
        -- Not jsonb: a repeated request gets the very same bytes.
        response json not null,
        created_at timestamptz not null default carillon_now(),
        primary key (application_id, key)
      );
      create index idempotency_key_age on idempotency_key (created_at);

      create sequence dispatch_batch_no;
      create table dispatch_batch (
        notification_id uuid not null,
        batch_no bigint not null,
        application_id uuid not null,
        provider text not null,
        lane text not null,
        state text not null check (state in ('pending', 'queued', 'leased', 'done')),
        parent_batch bigint,
        step integer not null default 0,
        device_ids bigint[] not null,
        first_id bigint not null,
        last_id bigint not null,
        n integer not null,
        -- One character per delivery, in the order of device_ids. Text, so that SQL can count and replace, and people can read:
        -- 0 pending 1 accepted 2 failed 3 moved to a child 4 expired 5 cancelled 6 suppressed 7 unknown 8 intent 9 intent after a crash
        result text not null,
        epoch integer not null default 0,
        claims integer not null default 0,
        not_before timestamptz not null,
        expires_at timestamptz not null,
        queued_until timestamptz,
        lease_until timestamptz,
        first_attempt_at timestamptz,
        accepted integer not null default 0,
        failed integer not null default 0,
        moved integer not null default 0,
        expired integer not null default 0,
        cancelled integer not null default 0,
        suppressed integer not null default 0,
        unknown integer not null default 0,
        primary key (notification_id, batch_no)
      ) partition by range (notification_id);
      create index dispatch_batch_feed on dispatch_batch (lane, provider, application_id, not_before) where state = 'pending';
      -- Without the times, so that checkpoints stay heap-only updates.
      create index dispatch_batch_out on dispatch_batch (lane, provider) where state in ('queued', 'leased');
      create index dispatch_batch_expiry on dispatch_batch (expires_at) where state in ('pending', 'queued');

      create table delivery_attempt (
        at timestamptz not null,
        application_id uuid not null,
        notification_id uuid not null,
        device_id bigint not null,
        batch_no bigint not null,
        -- False: the delivery ended without a provider call.
        is_call boolean not null,
        provider text not null,
        lane text not null,
        outcome text not null,
        code text not null,
        status_after text not null,
        retry_at timestamptz,
        provider_message_id text,
        latency_ms integer,
        detail text
      ) partition by range (at);
      create index delivery_attempt_notification on delivery_attempt (notification_id, device_id);
      create index delivery_attempt_device on delivery_attempt (device_id, at);
      -- The log's searches. Accepted deliveries are most of all and nobody looks for them by code: they cost nothing here.
      create index delivery_attempt_search on delivery_attempt (application_id, status_after, at, notification_id, device_id)
        include (code, provider) where status_after <> 'accepted';
      create index delivery_attempt_code on delivery_attempt (notification_id, code, device_id) where status_after <> 'accepted';

      create table attempt_stat (
        minute timestamptz not null,
        worker text not null,
        application_id uuid not null,
        provider text not null,
        lane text not null,
        outcome text not null,
        code text not null,
        n bigint not null,
        -- Calls with a latency of at most 10, 25, 50, 100, 250, 500, 1000, 2500, 10000 ms and above; not cumulative.
        latency_buckets bigint[] not null,
        latency_sum_ms bigint not null default 0,
        primary key (minute, application_id, provider, lane, outcome, code, worker)
      );
      -- Statistics of one application; no column that counting changes, so that counting stays heap-only.
      create index attempt_stat_application on attempt_stat (application_id, minute);

      create table gate (
        application_id uuid not null references application on delete cascade,
        provider text not null,
        scope text not null default '',
        state text not null check (state in ('open', 'half_open', 'closed')),
        kind text not null check (kind in ('throttled', 'breaker', 'credential')),
        closed_until timestamptz not null,
        reason text not null,
        failures integer not null default 1,
        probes_left integer not null default 0,
        changed_at timestamptz not null default carillon_now(),
        primary key (application_id, provider, scope)
      );

      -- One row while the mass guard holds: refused tokens are not set aside.
      create table mass_guard (
        application_id uuid not null references application on delete cascade,
        provider text not null,
        tripped_at timestamptz not null,
        restored integer not null default 0,
        primary key (application_id, provider)
      );

      create table receipt (
        notification_id uuid not null,
        device_id bigint not null,
        application_id uuid not null,
        type text not null check (type in ('delivered', 'displayed', 'opened', 'dismissed')),
        at timestamptz not null,
        received_at timestamptz not null default carillon_now(),
        primary key (notification_id, device_id, type)
      ) partition by range (notification_id);
    `);
    await runner.query(PARTITION_FUNCTION);
    await runner.query('select carillon_ensure_partitions(7)');
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}

/**
 * Makes the partitions of yesterday, today and some days ahead. Each table also has a default partition, so that a row
 * never has nowhere to go; a day whose rows already lie there is left there.
 *
 * A partition is made beside its parent and then attached: making it in place would lock out everybody who reads or writes
 * the parent, attaching locks only those who touch the default partition.
 */
const PARTITION_FUNCTION = `
  create function carillon_uuid_floor(moment timestamptz) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
  $$;

  create function carillon_ensure_partitions(
    days_ahead integer,
    parents text[] default array['notification', 'dispatch_batch', 'receipt', 'delivery_attempt']
  ) returns integer language plpgsql as $$
  declare
    parent text;
    day_start timestamptz;
    child text;
    lower text;
    upper text;
    options text;
    made integer := 0;
  begin
    perform pg_advisory_xact_lock(hashtext('carillon_partitions'));
    foreach parent in array parents loop
      options := case when parent = 'dispatch_batch' then 'with (fillfactor = 70)' else '' end;
      if to_regclass(parent || '_default') is null then
        execute format('create table %I partition of %I default %s', parent || '_default', parent, options);
      end if;
      for i in -1..days_ahead loop
        day_start := date_trunc('day', carillon_now() at time zone 'utc') at time zone 'utc' + make_interval(days => i);
        child := parent || '_' || to_char(day_start at time zone 'utc', 'YYYYMMDD');
        continue when to_regclass(child) is not null;
        if parent = 'delivery_attempt' then
          lower := quote_literal(day_start);
          upper := quote_literal(day_start + interval '1 day');
        else
          lower := quote_literal(carillon_uuid_floor(day_start));
          upper := quote_literal(carillon_uuid_floor(day_start + interval '1 day'));
        end if;
        begin
          execute format('create table %I (like %I including all) %s', child, parent, options);
          execute format('alter table %I attach partition %I for values from (%s) to (%s)', parent, child, lower, upper);
          made := made + 1;
        exception when check_violation then
          raise warning 'partition % is not made: its rows already lie in the default partition', child;
        end;
      end loop;
    end loop;
    return made;
  end
  $$;
`;
