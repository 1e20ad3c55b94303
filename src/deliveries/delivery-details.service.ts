import { Injectable } from '@nestjs/common';
import type { Device } from '../devices/device.js';
import { DevicesService } from '../devices/devices.service.js';
import { DomainError } from '../lib/errors.js';
import { MessagesService } from '../notifications/messages.service.js';
import type { Notification } from '../notifications/notification.js';
import { NotificationsService } from '../notifications/notifications.service.js';
import type { PreviewRequest } from '../providers/provider.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import type { Delivery } from './delivery.js';
import { DeliveryDescriptions, type DeliveryToDescribe } from './delivery-descriptions.js';
import type { Language } from './explanations/texts.js';
import { SingleRepository } from './single.repository.js';

/** One delivery with everything around it. */
export interface DeliveryDetails {
  delivery: Delivery;
  notification: Notification;
  device: Device;
  /** Compiled again from the stored content; null when that is not possible any more. */
  request: PreviewRequest | null;
}

/** Looks at one delivery closely. */
@Injectable()
export class DeliveryDetailsService {
  constructor(
    private readonly single: SingleRepository,
    private readonly lists: DeliveriesRepository,
    private readonly descriptions: DeliveryDescriptions,
    private readonly notifications: NotificationsService,
    private readonly messages: MessagesService,
    private readonly devices: DevicesService,
  ) {}

  /**
   * One delivery, also one that is not planned yet.
   *
   * @throws DomainError `notification_not_found`, `device_not_found`, `delivery_not_found`: it was not meant for this device
   */
  async read(
    applicationId: string,
    notificationId: string,
    deviceId: string,
    language: Language,
  ): Promise<DeliveryDetails> {
    const until = await this.lists.findNotificationEnd(applicationId, notificationId);
    const notification = (await this.notifications.forDispatch([notificationId])).get(notificationId);
    if (until === undefined || notification === undefined) {
      throw new DomainError('not_found', 'notification_not_found', `there is no notification ${notificationId}`);
    }
    const device = await this.devices.get(applicationId, deviceId);
    const item = await this.find(notification, device, until);
    const [[delivery], request] = await Promise.all([
      this.descriptions.describe([item], { applicationId, language, until }),
      this.messages.recompile(notification, device),
    ]);
    if (delivery === undefined) throw notMeant(notificationId, deviceId);
    return { delivery, notification, device, request };
  }

  private async find(notification: Notification, device: Device, until: Date): Promise<DeliveryToDescribe> {
    const { id: notificationId, applicationId } = notification;
    const key = { notificationId, device: device.id, provider: device.provider };
    const batch = await this.single.findBatch(key);
    if (batch) return { ...key, batch };
    if (await this.single.isLogged(key, until)) return key;
    const unplanned = await this.single.unplannedFor(applicationId, [device], { notificationId });
    if (unplanned.length === 0) throw notMeant(notificationId, device.publicId);
    return { ...key, isUnplanned: true };
  }
}

function notMeant(notificationId: string, deviceId: string): DomainError {
  const message = `notification ${notificationId} has no delivery for device ${deviceId}`;
  return new DomainError('not_found', 'delivery_not_found', message);
}
