import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Caller } from '../applications/caller.js';
import type { ProviderName } from '../lib/names.js';
import { type Device, type DeviceProfile, deviceSecret, hashDeviceSecret, SECRET_BYTES } from './device.js';
import { DeviceTokens, type GivenToken } from './device-tokens.js';
import { DevicesRepository } from './devices.repository.js';
import { type Registered, type Registration, RegistrationRepository } from './registration.repository.js';
import { type UserClaim, UserClaims } from './user-claims.js';

/** What an app or a backend sends to register one device. */
export interface RegistrationRequest extends GivenToken, UserClaim, Omit<DeviceProfile, 'userId'> {
  provider: ProviderName;
}

export interface RegisteredDevice {
  device: Device;
  isNew: boolean;
  /** Given once, when it is new. */
  deviceSecret: string | undefined;
}

/** Registers devices: the same token is the same device. */
@Injectable()
export class RegistrationService {
  constructor(
    private readonly devices: DevicesRepository,
    private readonly registrations: RegistrationRepository,
    private readonly tokens: DeviceTokens,
    private readonly claims: UserClaims,
  ) {}

  /**
   * Registers or refreshes one device.
   *
   * A backend keeps what it does not mention. So does a client with the device's secret; one without starts the device anew:
   * user, topics, tags and the rest are cleared and the old secret dies, whoever holds it. A wrong secret counts as none,
   * and the answer is the same for a token that nobody knew, so that it tells a client nothing.
   *
   * @throws DomainError `invalid_token`, `user_token_required`, `user_token_mismatch`
   */
  async register(
    caller: Caller,
    request: RegistrationRequest,
    presentedSecret: string | undefined,
  ): Promise<RegisteredDevice> {
    const { applicationId } = caller;
    const userId = await this.claims.userIdOf(caller, request);
    const defaults = await this.tokens.defaults(applicationId, request.provider);
    const secret = deviceSecret(randomBytes(SECRET_BYTES));
    const registration: Registration = {
      provider: request.provider,
      stored: this.tokens.parse(request.provider, request, defaults),
      publicId: randomUUID(),
      secretHash: hashDeviceSecret(secret) ?? null,
      profile: { ...request, userId },
    };
    const isTrusted = caller.role !== 'client';
    const registrant = isTrusted
      ? ({ isTrusted } as const)
      : ({ isTrusted, secretHash: hashDeviceSecret(presentedSecret) } as const);
    return this.devices.inTransaction(async (db) => {
      const [registered] = await this.registrations.register(db, applicationId, registrant, [registration]);
      const device = registered && (await this.devices.find(db, applicationId, registered.publicId));
      if (!device) throw new Error('a device that was just registered is not there');
      return { device, isNew: registered.isNew, deviceSecret: registered.hasFreshSecret ? secret : undefined };
    });
  }

  /**
   * Registers many devices for a backend, in one transaction and without secrets: the app gets one when it registers itself.
   *
   * @param registrations no two with the same provider and token
   */
  registerMany(applicationId: string, registrations: readonly Registration[]): Promise<Registered[]> {
    return this.devices.inTransaction((db) =>
      this.registrations.register(db, applicationId, { isTrusted: true }, registrations),
    );
  }
}
