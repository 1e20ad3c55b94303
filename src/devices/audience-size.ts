import { Injectable } from '@nestjs/common';
import type { Audience } from './audience.js';
import { AudienceSizeRepository, type DeviceCounts } from './audience-size.repository.js';

/** Active devices that an audience has at this moment. */
export interface AudienceSize {
  devices: DeviceCounts;
  total: number;
  /** The audience is so large that it was extrapolated from a sample. */
  isEstimate: boolean;
}

/** Devices that are counted one by one; what is larger is estimated. */
const MAX_COUNTED = 10_000;

/** How many devices somebody is about to reach, in a time that does not depend on how many. */
@Injectable()
export class AudienceSizes {
  constructor(private readonly repository: AudienceSizeRepository) {}

  measure(applicationId: string, audience: Audience): Promise<AudienceSize> {
    return this.repository.lookingUp(audience, async (db) => {
      const counted = await this.repository.count(db, applicationId, audience, MAX_COUNTED);
      const devices = counted ?? (await this.repository.estimate(db, applicationId, audience));
      const total = devices.fcm + devices.apns + devices.webpush;
      return { devices, total, isEstimate: counted === undefined };
    });
  }
}
