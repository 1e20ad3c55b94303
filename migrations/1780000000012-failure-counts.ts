import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Batches count their failures by code, so that those of a million deliveries are summed up from a thousand rows. */
export class FailureCounts1780000000012 implements MigrationInterface {
  readonly name = 'FailureCounts1780000000012';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Deliveries that ended otherwise than accepted: {"failed UNREGISTERED": 12}. Null: none.
      alter table dispatch_batch add column failures jsonb;

      create function carillon_add_counts(one jsonb, other jsonb) returns jsonb language sql immutable as $$
        select case when one is null then other when other is null then one else (
          select jsonb_object_agg(key, n) from (
            select key, sum(value::int) as n
            from (select * from jsonb_each_text(one) union all select * from jsonb_each_text(other)) both_
            group by key) summed) end
      $$;

      update dispatch_batch b set failures = counted.failures
      from (
        select notification_id, batch_no, jsonb_object_agg(status_after || ' ' || code, n) as failures
        from (
          select notification_id, batch_no, status_after, code, count(*) as n from delivery_attempt
          where status_after not in ('accepted', 'pending') group by 1, 2, 3, 4) ended
        group by 1, 2) counted
      where b.notification_id = counted.notification_id and b.batch_no = counted.batch_no;
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
