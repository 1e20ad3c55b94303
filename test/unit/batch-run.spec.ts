import { describe, expect, it } from 'vitest';
import type { ClaimedBatch } from '../../src/batches/batch.js';
import { BatchRun } from '../../src/deliveries/batch-run.js';
import type { Audience } from '../../src/devices/audience.js';
import type { DispatchTarget } from '../../src/devices/device.js';
import type { Notification } from '../../src/notifications/notification.js';

const at = new Date('2026-11-01T00:00:00Z');

function target(id: number, overrides: Partial<DispatchTarget> = {}): DispatchTarget {
  return {
    id,
    deviceId: `00000000-0000-4000-8000-00000000000${id}`,
    token: `token-${id}`,
    status: 'active',
    userId: 'u-1',
    ...overrides,
  };
}

function batchRun(given: {
  result: string;
  claims?: number;
  semantics?: 'at_least_once' | 'at_most_once';
  audience?: Audience;
  targets?: DispatchTarget[];
  acknowledged?: string[];
}): BatchRun {
  const deviceIds = [...given.result].map((_, i) => i + 1);
  const claimed: ClaimedBatch = {
    notificationId: '01900000-0000-7000-8000-000000000000',
    batchNo: 1,
    applicationId: '00000000-0000-4000-8000-000000000000',
    provider: 'fcm',
    lane: 'normal',
    step: 0,
    claims: given.claims ?? 1,
    epoch: 1,
    deviceIds,
    result: given.result,
    expiresAt: at,
    claimedAt: at,
  };
  const notification: Notification = {
    id: claimed.notificationId,
    applicationId: claimed.applicationId,
    lane: 'normal',
    semantics: given.semantics ?? 'at_least_once',
    audience: given.audience ?? { all: true },
    content: { title: 't' },
    options: { ttlSeconds: 60, priority: 'high' },
    overrides: {},
    createdAt: at,
    sendAt: at,
    expiresAt: at,
    state: 'sending',
    isPlanned: true,
    planCursor: 0,
    planBound: null,
    stopped: {},
    counts: {
      planned: 0,
      accepted: 0,
      failed: 0,
      expired: 0,
      cancelled: 0,
      suppressed: 0,
      unknown: 0,
      retried: 0,
    },
    firstAttemptAt: null,
    completedAt: null,
  };
  const targets = given.targets ?? deviceIds.map((id) => target(id));
  const acknowledged = given.acknowledged && new Set(given.acknowledged);
  return new BatchRun(claimed, notification, new Map(targets.map((t) => [t.id, t])), undefined, acknowledged);
}

function drain(run: BatchRun): number[] {
  const positions: number[] = [];
  for (let next = run.next(); next !== undefined; next = run.next()) positions.push(next);
  return positions;
}

describe('BatchRun', () => {
  it('offers only what an earlier claim did not finish', () => {
    expect(drain(batchRun({ result: '1203140' }))).toEqual([2, 6]);
  });

  it('gives back what it held', () => {
    const run = batchRun({ result: '000' });
    run.next();
    run.set(0, '1');
    run.hold(5_000);
    expect(run.hasUnsent).toBe(false);
    expect(run.resultText).toBe('100');
    expect(run.hasPending).toBe(true);
    expect(run.holdMs).toBe(5_000);
  });

  it('offers nothing at most once before the intents are committed', () => {
    const run = batchRun({ result: '000', semantics: 'at_most_once' });
    expect(run.next()).toBeUndefined();
    const marked = run.markIntents();
    expect(run.resultText).toBe('888');
    expect(run.next()).toBeUndefined();
    run.intentsCommitted(marked);
    expect(drain(run)).toEqual([0, 1, 2]);
  });

  it('takes unsent intents back when it stops', () => {
    const run = batchRun({ result: '000', semantics: 'at_most_once' });
    run.intentsCommitted(run.markIntents());
    run.next();
    run.set(0, '1');
    run.hold(0);
    expect(run.resultText).toBe('100');
  });

  it('finds the intents of a dead worker at most once', () => {
    expect(batchRun({ result: '1880', semantics: 'at_most_once' }).openIntents()).toEqual([1, 2]);
  });

  it('sends a suspect batch one by one and condemns an intent that was open at two crashes', () => {
    const first = batchRun({ result: '100', claims: 3 });
    expect(first.markIntents()).toEqual([1]);
    expect(first.resultText).toBe('180');

    const afterCrash = batchRun({ result: '180', claims: 4 });
    expect(afterCrash.openIntents()).toEqual([]);
    expect(afterCrash.markIntents()).toEqual([1]);
    expect(afterCrash.resultText).toBe('190');

    expect(batchRun({ result: '190', claims: 5 }).openIntents()).toEqual([1]);
  });

  it('suppresses devices that are gone, inactive or somebody else’s by now', () => {
    const run = batchRun({
      result: '0000',
      audience: { userIds: ['u-1'] },
      targets: [target(1), target(2, { status: 'invalid' }), target(3, { userId: 'u-2' })],
    });
    expect([0, 1, 2, 3].map((position) => run.suppressionOf(position))).toEqual([
      undefined,
      'device_inactive',
      'user_changed',
      'device_deleted',
    ]);
  });

  it('suppresses the devices of users who saw the notification on an open screen', () => {
    const run = batchRun({
      result: '00',
      audience: { userIds: ['u-1', 'u-2'] },
      targets: [target(1), target(2, { userId: 'u-2' })],
      acknowledged: ['u-2'],
    });
    expect([0, 1].map((position) => run.suppressionOf(position))).toEqual([undefined, 'acknowledged_live']);
  });
});
