import { Injectable } from '@nestjs/common';
import { DomainError } from '../lib/errors.js';
import { LiveService, type Shown } from '../notifications/live.service.js';
import { broadcastChannels, mayFollow } from './channel.js';
import type { Grant } from './grant.js';

/** What became of a request; `suppressed` of the whole: of each. */
export interface Acknowledged {
  suppressed: boolean;
  items: {
    notificationId: string;
    /** False: there is no such notification for this user. */
    acknowledged: boolean;
    /** It waited for this, and no push of it went or will go to the user. */
    suppressed: boolean;
  }[];
}

/** Users say that they saw notifications on an open screen. */
@Injectable()
export class Acknowledgements {
  constructor(private readonly live: LiveService) {}

  /**
   * Repeats change nothing, and get the answer of that time.
   *
   * @param notificationIds distinct
   * @throws DomainError `notification_not_found` when none of them is for this user
   */
  async acknowledge(grant: Grant, notificationIds: readonly string[]): Promise<Acknowledged> {
    const { applicationId, userId } = grant;
    const candidates = await this.live.shown(applicationId, userId, notificationIds);
    const shown = candidates.filter((one) => isFor(grant, one));
    if (shown.length === 0) {
      const message = 'There is no such notification for this user on open screens.';
      throw new DomainError('not_found', 'notification_not_found', message);
    }
    const suppressed = await this.live.acknowledge(applicationId, userId, shown);
    const known = new Set(shown.map(({ id }) => id));
    return {
      suppressed: notificationIds.every((id) => suppressed.has(id)),
      items: notificationIds.map((id) => ({
        notificationId: id,
        acknowledged: known.has(id),
        suppressed: suppressed.has(id),
      })),
    };
  }
}

/** A broadcast is for whoever may follow one of its channels. */
function isFor({ channels, userId }: Grant, { broadcast }: Shown): boolean {
  if (broadcast === undefined) return true;
  const names = broadcastChannels(broadcast.kind, broadcast.names);
  return names.some((name) => mayFollow(channels, userId, name));
}
