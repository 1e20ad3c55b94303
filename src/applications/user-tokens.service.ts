import { Inject, Injectable } from '@nestjs/common';
import { type CryptoKey, importSPKI, jwtVerify } from 'jose';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { ApplicationsService } from './applications.service.js';

/** Seconds that a user token may live at most, from now. */
const MAX_LIFETIME_SECONDS = 3_600;
/** Seconds that two honest clocks may differ. */
const CLOCK_TOLERANCE_SECONDS = 60;
const MAX_USER_ID_CHARACTERS = 255;
const MAX_KEYS = 1_000;

/** Believes who a user is when their application signed for it. */
@Injectable()
export class UserTokensService {
  /** Imported keys by their PEM. */
  private readonly keys = new Map<string, Promise<CryptoKey>>();

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly applications: ApplicationsService,
  ) {}

  /**
   * The user id that a JWT of this application vouches for.
   *
   * @param jwt ES256, with `sub` and an `exp` of at most an hour from now
   * @throws DomainError `forbidden`: `user_token_key_missing`, `user_token_expired` or `user_token_invalid`
   */
  async verifyUserToken(applicationId: string, jwt: string): Promise<string> {
    const { userTokenPublicKey } = await this.applications.get(applicationId);
    if (userTokenPublicKey === null) {
      throw refused('user_token_key_missing', 'The application has no key that user tokens could be checked with.');
    }
    const now = this.clock.now();
    const { sub, exp } = await this.claims(jwt, userTokenPublicKey, now);
    if (exp === undefined || exp - now.getTime() / 1_000 > MAX_LIFETIME_SECONDS + CLOCK_TOLERANCE_SECONDS) {
      throw refused('user_token_invalid', 'The user token must expire within an hour.');
    }
    if (!sub || sub.length > MAX_USER_ID_CHARACTERS || sub.includes('\0') || !sub.isWellFormed()) {
      throw refused(
        'user_token_invalid',
        `The user token must name a user of at most ${MAX_USER_ID_CHARACTERS} characters.`,
      );
    }
    return sub;
  }

  private async claims(jwt: string, pem: string, now: Date): Promise<{ sub?: string; exp?: number }> {
    try {
      const options = {
        algorithms: ['ES256'],
        requiredClaims: ['sub', 'exp'],
        currentDate: now,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      };
      return (await jwtVerify(jwt, await this.keyOf(pem), options)).payload;
    } catch (error) {
      const isExpired = error instanceof Error && 'code' in error && error.code === 'ERR_JWT_EXPIRED';
      throw isExpired
        ? refused('user_token_expired', 'The user token has expired.')
        : refused('user_token_invalid', "The user token is not one that the application's key signed with ES256.");
    }
  }

  private keyOf(pem: string): Promise<CryptoKey> {
    const known = this.keys.get(pem);
    if (known) return known;
    if (this.keys.size >= MAX_KEYS) this.keys.clear();
    const imported = importSPKI(pem, 'ES256');
    this.keys.set(pem, imported);
    return imported;
  }
}

function refused(code: string, message: string): DomainError {
  return new DomainError('forbidden', code, message);
}
