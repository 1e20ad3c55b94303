import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import type { Caller } from '../applications/caller.js';
import { UserTokensService } from '../applications/user-tokens.service.js';
import { DomainError } from '../lib/errors.js';

/** Whose device it is said to be. */
export interface UserClaim {
  userId?: string | null | undefined;
  /** JWT that the application signed; its `sub` is the user id. */
  userToken?: string | undefined;
}

/** Decides which user id a caller may set. */
@Injectable()
export class UserClaims {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly userTokens: UserTokensService,
  ) {}

  /**
   * @returns the user id to set; null clears it, undefined leaves it
   * @throws DomainError `user_token_required`, `user_token_mismatch`, and what the user token is refused for
   */
  async userIdOf(caller: Caller, { userId, userToken }: UserClaim): Promise<string | null | undefined> {
    if (userToken !== undefined) {
      const proven = await this.userTokens.verifyUserToken(caller.applicationId, userToken);
      if (userId === undefined || userId === proven) return proven;
      throw new DomainError(
        'forbidden',
        'user_token_mismatch',
        'The user token was made for another user than userId.',
      );
    }
    // A key that ships in an app is public: with it alone anybody could receive somebody else's pushes.
    if (caller.role === 'client' && typeof userId === 'string') {
      const { requireUserToken } = await this.applications.get(caller.applicationId);
      if (requireUserToken) {
        throw new DomainError('forbidden', 'user_token_required', 'A client key sets userId only with a userToken.');
      }
    }
    return userId;
  }
}
