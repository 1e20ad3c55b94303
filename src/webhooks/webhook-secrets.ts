import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { seal, unseal } from '../applications/sealing.js';
import { CONFIG, type Config } from '../config/config.js';
import type { Webhook } from './webhook.js';

type Owner = Pick<Webhook, 'id' | 'applicationId'>;

/** Keeps the secrets of webhooks sealed. */
@Injectable()
export class WebhookSecrets {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  seal(webhook: Owner, secret: string): Buffer {
    return seal(this.config.CARILLON_MASTER_KEY, contextOf(webhook), secret);
  }

  /** @throws Error when the master key is not the one it was sealed with */
  open(webhook: Owner, sealed: Buffer): string {
    return z.string().parse(unseal(this.config.CARILLON_MASTER_KEY, contextOf(webhook), sealed));
  }
}

function contextOf({ id, applicationId }: Owner): string[] {
  return ['webhook', applicationId, id];
}
