import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The feeder looks ten times a second whether anything is due; without this it reads every application that waits for a retry. */
export class Feed1780000000003 implements MigrationInterface {
  readonly name = 'Feed1780000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index dispatch_batch_due on dispatch_batch (lane, not_before) where state = 'pending'`);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
