import type { VirtualClock } from './clock.js';
import { FingerprintCounter } from './fingerprints.js';
import type { Settings } from './settings.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** FCM's quotas: per project and minute, per device and minute, per device and hour. What is refused does not count. */
export class FcmQuota {
  private readonly projects = new Map<string, { startMs: number; count: number }>();
  private minute = { startMs: 0, counter: new FingerprintCounter() };
  private hour = { startMs: 0, counter: new FingerprintCounter() };

  constructor(
    private readonly settings: Settings,
    private readonly clock: VirtualClock,
  ) {}

  /** @returns the reason for a refusal, or nothing when the message may pass */
  take(project: string, device: string | undefined): 'QUOTA_EXCEEDED' | 'DEVICE_QUOTA_EXCEEDED' | undefined {
    const { fcmProjectPerMinute, fcmDevicePerMinute, fcmDevicePerHour } = this.settings.values;
    const now = this.clock.nowMs();
    if (fcmProjectPerMinute > 0 && !this.takeProject(project, now, fcmProjectPerMinute)) return 'QUOTA_EXCEEDED';
    if (device === undefined) return undefined;
    if (now - this.minute.startMs >= MINUTE_MS) this.minute = { startMs: now, counter: new FingerprintCounter() };
    if (now - this.hour.startMs >= HOUR_MS) this.hour = { startMs: now, counter: new FingerprintCounter() };
    if (fcmDevicePerMinute > 0 && this.minute.counter.add(device) > fcmDevicePerMinute) return 'DEVICE_QUOTA_EXCEEDED';
    if (fcmDevicePerHour > 0 && this.hour.counter.add(device) > fcmDevicePerHour) return 'DEVICE_QUOTA_EXCEEDED';
    return undefined;
  }

  reset(): void {
    this.projects.clear();
    this.minute.startMs = 0;
    this.hour.startMs = 0;
  }

  private takeProject(project: string, now: number, limit: number): boolean {
    let window = this.projects.get(project);
    if (!window || now - window.startMs >= MINUTE_MS) {
      window = { startMs: now, count: 0 };
      this.projects.set(project, window);
    }
    if (window.count >= limit) return false;
    window.count += 1;
    return true;
  }
}
