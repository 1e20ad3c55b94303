import type { DataSource } from 'typeorm';
import { type Attempt, type ClaimedBatch, RESULT, type TerminalStatus } from '../../src/batches/batch.js';
import { BatchesRepository } from '../../src/batches/batches.repository.js';
import { CheckpointRepository } from '../../src/batches/checkpoint.repository.js';
import { markResults } from './batch.js';

/** What one device's provider call, or end without a call, came to. */
export interface TestAnswer extends Partial<Omit<Attempt, 'batch' | 'deviceId' | 'statusAfter'>> {
  /** Internal id. */
  device: number;
  /** `retry`: moved to a child batch, due after `retryInMs`. Default accepted. */
  fate?: TerminalStatus | 'retry';
}

const USUAL: Readonly<Record<string, Partial<Attempt>>> = {
  accepted: { outcome: 'accepted', code: '200', providerMessageId: 'message-1' },
  failed: { outcome: 'token_invalid', code: 'UNREGISTERED', detail: 'Requested entity was not found.' },
  retry: { outcome: 'unavailable', code: '503', retryInMs: 60_000 },
  unknown: { outcome: 'ambiguous', code: 'timeout' },
  expired: { isCall: false, outcome: '', code: 'ttl_expired', latencyMs: null },
  cancelled: { isCall: false, outcome: '', code: 'cancelled', latencyMs: null },
  suppressed: { isCall: false, outcome: '', code: 'device_inactive', latencyMs: null },
};

/**
 * Writes answers as the dispatcher does: one checkpoint, and the finish when nothing of the batch is pending.
 *
 * @param worker the name under which the statistics count them
 */
export async function writeAnswers(
  db: DataSource,
  batch: ClaimedBatch,
  answers: readonly TestAnswer[],
  worker = 'worker-1',
): Promise<void> {
  const marks = new Map(
    answers.map(({ device, fate = 'accepted' }) => [device, fate === 'retry' ? 'moved' : fate] as const),
  );
  const result = markResults(batch, marks);
  const isPending = /[089]/.test(result);
  const isDone = !isPending && !result.includes(RESULT.moved);
  const written = await new CheckpointRepository(db).write(
    worker,
    20_000,
    [{ notificationId: batch.notificationId, batchNo: batch.batchNo, epoch: batch.epoch, result, isDone }],
    answers.map(attemptOf),
  );
  if (written.size !== 1) throw new Error('the checkpoint was fenced');
  batch.result = result;
  if (!isPending && !isDone && !(await new BatchesRepository(db).finish(batch)))
    throw new Error('the finish was fenced');
}

function attemptOf({ device, fate = 'accepted', ...fields }: TestAnswer): Attempt {
  return {
    batch: 0,
    deviceId: device,
    isCall: true,
    outcome: 'accepted',
    code: '200',
    statusAfter: fate === 'retry' ? 'pending' : fate,
    retryInMs: null,
    providerMessageId: null,
    latencyMs: 42,
    detail: null,
    ageMs: 0,
    ...USUAL[fate],
    ...fields,
  };
}
