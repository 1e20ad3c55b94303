import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is scheduled for a person, or is being planned, is found among the few notifications that have no batches yet. */
export class Unplanned1780000000009 implements MigrationInterface {
  readonly name = 'Unplanned1780000000009';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'create index notification_unplanned on notification (application_id, send_at) where not is_planned',
    );
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
