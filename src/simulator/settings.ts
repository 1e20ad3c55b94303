import { z } from 'zod';

const MINUTE_MS = 60_000;

/** What a test may switch while the simulators run; `PUT /__settings`. */
export const settingsSchema = z.strictObject({
  /** What a well-formed target is that nobody told the simulator about. */
  unknownTargets: z.enum(['live', 'dead']).default('live'),
  /** Lifetime of FCM access tokens from now on. */
  accessTokenLifetimeSeconds: z.int().positive().default(3599),
  /** FCM: messages per project and minute, 0 = no limit. Documented default. */
  fcmProjectPerMinute: z.int().nonnegative().default(600_000),
  /** FCM: messages per token and minute, 0 = no limit. Documented for Android. */
  fcmDevicePerMinute: z.int().nonnegative().default(240),
  /** FCM: messages per token and hour, 0 = no limit. Documented for Android. */
  fcmDevicePerHour: z.int().nonnegative().default(5_000),
  /** APNs: a second provider token of the same key and address within this time is refused; 0 = never. */
  apnsTokenUpdateMs: z
    .int()
    .nonnegative()
    .default(20 * MINUTE_MS),
  /** APNs: messages per device token and second, 0 = no limit. */
  apnsDevicePerSecond: z.int().nonnegative().default(0),
  /** APNs: bad device tokens on one connection before it is closed, 0 = never. */
  apnsBadTokenLimit: z.int().nonnegative().default(500),
  /** Web Push: decrypt every n-th message; 1 = all, 0 = none. Decrypting costs most of a message's time. */
  webpushDecryptEvery: z.int().nonnegative().default(1),
  /** FCM: an idle connection gets GOAWAY `session_timeout` after this time; 0 = never. Holds for new connections. */
  fcmIdleMs: z
    .int()
    .nonnegative()
    .default(4 * MINUTE_MS),
  /** FCM: any connection gets GOAWAY `max_age` after this time; 0 = never. Holds for new connections. */
  fcmMaxAgeMs: z
    .int()
    .nonnegative()
    .default(60 * MINUTE_MS),
  /** FCM: so many PINGs without a request between them get GOAWAY `too_many_pings`; 0 = any number. */
  fcmMaxPings: z.int().nonnegative().default(3),
});

export type SettingsValues = z.infer<typeof settingsSchema>;

export class Settings {
  values: SettingsValues = settingsSchema.parse({});

  /** @throws z.ZodError when a value does not fit */
  update(changes: unknown): SettingsValues {
    this.values = settingsSchema.parse({ ...this.values, ...(changes as object) });
    return this.values;
  }

  reset(): void {
    this.values = settingsSchema.parse({});
  }
}
