import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A notification's timeline: who paused, resumed or cancelled it, when it was planned, and when gates stood in its way. */
export class NotificationTimeline1780000000011 implements MigrationInterface {
  readonly name = 'NotificationTimeline1780000000011';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table notification_change (
        notification_id uuid not null,
        at timestamptz not null default carillon_now(),
        kind text not null,
        -- Whose will it was; null: nobody's.
        by text,
        detail jsonb
      );
      create index notification_change_notification on notification_change (notification_id, at);

      create table gate_change (
        application_id uuid not null,
        provider text not null,
        scope text not null,
        at timestamptz not null default carillon_now(),
        is_closed boolean not null,
        kind text not null,
        reason text not null
      );
      create index gate_change_application on gate_change (application_id, at);
      create index gate_change_at on gate_change (at);

      -- A gate's row says how it stands and goes when it opens. A half-open gate that closes again was never open.
      create function carillon_record_gate() returns trigger language plpgsql as $$
      begin
        if tg_op <> 'DELETE' and new.state <> 'open' then
          if tg_op = 'INSERT' or old.state = 'open' or old.kind <> new.kind then
            insert into gate_change (application_id, provider, scope, is_closed, kind, reason)
            values (new.application_id, new.provider, new.scope, true, new.kind, new.reason);
          end if;
        elsif tg_op <> 'INSERT' and old.state <> 'open' then
          insert into gate_change (application_id, provider, scope, is_closed, kind, reason)
          values (old.application_id, old.provider, old.scope, false, old.kind, old.reason);
        end if;
        return null;
      end
      $$;
      create trigger gate_is_recorded after insert or update of state, kind or delete on gate
        for each row execute function carillon_record_gate();
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
