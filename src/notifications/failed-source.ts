import type { Audience } from '../devices/audience.js';
import { DomainError } from '../lib/errors.js';
import type { NotificationsRepository } from './notifications.repository.js';

const PATH = 'audience.failedOf';

/**
 * Of an audience that is another notification's failures: that notification is this application's, and has ended.
 *
 * @throws DomainError `failed_of_unknown`, `notification_not_ended`, naming the field
 */
export async function checkFailedSource(
  notifications: Pick<NotificationsRepository, 'find'>,
  applicationId: string,
  audience: Audience,
): Promise<void> {
  if (!('failedOf' in audience)) return;
  const [source] = await notifications.find([audience.failedOf]);
  if (source?.applicationId !== applicationId) {
    const message = `there is no notification ${audience.failedOf}`;
    throw new DomainError('unprocessable', 'failed_of_unknown', `${PATH}: ${message}`, [{ path: PATH, message }]);
  }
  if (!source.completedAt) throw hasNotEnded(source.id);
}

/** What failed is known only when nothing is under way any more. */
export function hasNotEnded(id: string): DomainError {
  const message = `notification ${id} has not ended`;
  return new DomainError('conflict', 'notification_not_ended', message, [{ path: PATH, message }]);
}
