import { Injectable } from '@nestjs/common';
import { SuppressionRepository } from './suppression.repository.js';

/** Takes single users out of what is planned already. */
@Injectable()
export class Suppressions {
  constructor(private readonly repository: SuppressionRepository) {}

  /**
   * Ends, as suppressed, what is unsent to a user's devices and in no worker's hands.
   *
   * @param code what the delivery log says of it
   * @returns those of `notificationIds` of which nothing went, or is in a worker's hands to go, to the user
   */
  async ofUser(
    notificationIds: readonly string[],
    applicationId: string,
    userId: string,
    code: string,
  ): Promise<Set<string>> {
    if (notificationIds.length === 0) return new Set();
    return new Set(await this.repository.suppressUser(notificationIds, applicationId, userId, code));
  }
}
