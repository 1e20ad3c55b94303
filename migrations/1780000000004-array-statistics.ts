import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Keeps ANALYZE from reading the audience and the results of batches: counting the elements of a thousand arrays takes it
 * seconds, again and again during a campaign, and no plan depends on them.
 */
export class ArrayStatistics1780000000004 implements MigrationInterface {
  readonly name = 'ArrayStatistics1780000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create function carillon_skip_array_statistics() returns void language plpgsql as $$
      declare
        partition regclass;
      begin
        for partition in
          select a.attrelid from pg_attribute a join pg_partition_tree('dispatch_batch') t on t.relid = a.attrelid
          where a.attname = 'device_ids' and a.attstattarget is distinct from 0
        loop
          execute format('alter table %s alter device_ids set statistics 0, alter result set statistics 0', partition);
        end loop;
      end
      $$`);
    await runner.query('select carillon_skip_array_statistics()');
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
