import { z } from 'zod';
import type { Action } from './actions.js';
import type { VirtualClock } from './clock.js';
import { magicOf } from './magic.js';
import type { ListenerName, ServiceName } from './service.js';
import type { Settings } from './settings.js';

export const targetStateSchema = z.strictObject({
  state: z.enum([
    'live',
    'unregistered',
    'expired',
    'gone',
    'malformed',
    'senderMismatch',
    'thirdPartyAuth',
    'badToken',
    'otherTopic',
    'throttled',
    'failing',
  ]),
  /** APNs 410: since when, milliseconds; absent: the moment of this call. */
  timestampMs: z.number().optional(),
  /** `throttled`, `failing`: what to say; defaults 429 and 503. */
  status: z.int().min(400).max(599).optional(),
  retryAfterSeconds: z.number().nonnegative().optional(),
  /** APNs: the only environment that knows this token. */
  environment: z.enum(['production', 'sandbox']).optional(),
  /** FCM: the only project whose token this is. */
  projectId: z.string().optional(),
  /** APNs: the only bundle id whose token this is. */
  bundleId: z.string().optional(),
});

export type TargetState = z.infer<typeof targetStateSchema>;

type Words = Partial<Record<TargetState['state'], Action>>;

const STATE_ACTIONS: Readonly<Record<Exclude<ServiceName, 'oauth'>, Words>> = {
  fcm: {
    unregistered: { type: 'respond', status: 404, reason: 'UNREGISTERED' },
    malformed: { type: 'respond', status: 400, reason: 'MALFORMED_TOKEN' },
    senderMismatch: { type: 'respond', status: 403, reason: 'SENDER_ID_MISMATCH' },
    thirdPartyAuth: { type: 'respond', status: 401, reason: 'THIRD_PARTY_AUTH_ERROR' },
    throttled: { type: 'respond', status: 429, reason: 'DEVICE_QUOTA_EXCEEDED' },
  },
  apns: {
    unregistered: { type: 'respond', status: 410, reason: 'Unregistered' },
    expired: { type: 'respond', status: 410, reason: 'ExpiredToken' },
    badToken: { type: 'respond', status: 400, reason: 'BadDeviceToken' },
    otherTopic: { type: 'respond', status: 400, reason: 'DeviceTokenNotForTopic' },
    throttled: { type: 'respond', status: 429, reason: 'TooManyRequests' },
  },
  webpush: {
    unregistered: { type: 'respond', status: 410 },
    expired: { type: 'respond', status: 410 },
    gone: { type: 'respond', status: 404 },
    throttled: { type: 'respond', status: 429 },
  },
};

const UNKNOWN: Readonly<Record<Exclude<ServiceName, 'oauth'>, Action>> = {
  fcm: { type: 'respond', status: 404, reason: 'UNREGISTERED' },
  apns: { type: 'respond', status: 400, reason: 'BadDeviceToken' },
  webpush: { type: 'respond', status: 410 },
};

/** What each token, device token and subscription id does. Unknown ones are live unless settings say otherwise. */
export class Targets {
  private readonly states = new Map<string, TargetState>();
  /** Times that a magic target already misbehaved. */
  private readonly misbehaved = new Map<string, number>();

  constructor(
    private readonly clock: VirtualClock,
    private readonly settings: Settings,
  ) {}

  /** Sets a state, for whichever service knows this id. */
  put(target: string, state: TargetState): TargetState {
    const stored =
      state.timestampMs === undefined && (state.state === 'unregistered' || state.state === 'expired')
        ? { ...state, timestampMs: this.clock.nowMs() }
        : state;
    this.states.set(target, stored);
    this.misbehaved.delete(target);
    return stored;
  }

  get(target: string): TargetState | undefined {
    return this.states.get(target);
  }

  clear(): void {
    this.states.clear();
    this.misbehaved.clear();
  }

  /** What to do instead of accepting; counts one more try of a magic target. */
  next(service: Exclude<ServiceName, 'oauth'>, listener: ListenerName, target: string): Action | undefined {
    const state = this.states.get(target);
    if (state) return this.stateAction(service, listener, state);
    const magic = magicOf(service, target);
    if (magic) {
      const done = this.misbehaved.get(target) ?? 0;
      if (magic.times > 0 && done >= magic.times) return undefined;
      if (magic.times > 0) this.misbehaved.set(target, done + 1);
      return magic.action;
    }
    return this.settings.values.unknownTargets === 'dead' ? UNKNOWN[service] : undefined;
  }

  private stateAction(
    service: Exclude<ServiceName, 'oauth'>,
    listener: ListenerName,
    state: TargetState,
  ): Action | undefined {
    if (service === 'apns' && state.environment !== undefined) {
      const here = listener === 'apnsSandbox' ? 'sandbox' : 'production';
      if (state.environment !== here) return UNKNOWN.apns;
    }
    if (state.state === 'live') return undefined;
    const word: Action =
      state.state === 'failing'
        ? { type: 'respond', status: 503 }
        : (STATE_ACTIONS[service][state.state] ?? UNKNOWN[service]);
    if (word.type !== 'respond') return word;
    return {
      ...word,
      status: state.status ?? word.status,
      reason: state.status === undefined ? word.reason : undefined,
      retryAfterSeconds: state.retryAfterSeconds,
      timestampMs: state.timestampMs,
    };
  }
}
