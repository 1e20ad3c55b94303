import { readFile } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../lib/errors.js';

const RETRY_AFTER_SECONDS = 2;
const demoFile = z.object({ id: z.uuid(), clientKey: z.string() });

/** What the page may know of the application. Its server key stays in the file. */
export type DemoIdentity = z.infer<typeof demoFile>;

/** The application that `npm start` makes, and writes down once the api can be asked to. */
@Injectable()
export class DemoApplication {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @throws DomainError `demo_not_ready` until it is made */
  async read(): Promise<DemoIdentity> {
    const found = await this.find();
    if (found) return found;
    const message = 'The demo application is not made yet.';
    throw new DomainError('unavailable', 'demo_not_ready', message, [], RETRY_AFTER_SECONDS);
  }

  async find(): Promise<DemoIdentity | undefined> {
    const text = await readFile(this.config.DEMO_FILE ?? '', 'utf8').catch(() => undefined);
    return text === undefined ? undefined : demoFile.parse(JSON.parse(text));
  }
}
