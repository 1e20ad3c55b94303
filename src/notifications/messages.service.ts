import { Inject, Injectable } from '@nestjs/common';
import { CredentialsService } from '../applications/credentials.service.js';
import { DomainError, type Problem } from '../lib/errors.js';
import { PROVIDER_NAMES, type ProviderName } from '../lib/names.js';
import {
  type Credential,
  type Environment,
  type OutcomeKind,
  PROVIDERS,
  type PreviewRequest,
  type Provider,
} from '../providers/provider.js';
import { noticeProblem } from './live.js';
import { messageFor, type NewNotification } from './notification.js';

type Messageable = Pick<NewNotification, 'id' | 'applicationId' | 'content' | 'options' | 'overrides' | 'expiresAt'>;

/** What a notification becomes at each provider that its application can send through. */
@Injectable()
export class MessagesService {
  constructor(
    private readonly credentials: CredentialsService,
    @Inject(PROVIDERS) private readonly providers: ReadonlyMap<ProviderName, Provider>,
  ) {}

  /**
   * Refuses what a provider would refuse, before anybody is told that it was accepted. No provider is asked about what goes to
   * open screens only, and no credential is needed for it.
   *
   * @returns the credentials that the application has and that are needed
   * @throws DomainError `no_credentials` when the application has none; `message_invalid` with the path of everything that
   *         a provider does not take, and by how many bytes it is too large
   */
  async check(notification: Messageable): Promise<ReadonlyMap<ProviderName, Credential>> {
    if (notification.options.realtime === 'only') {
      const message = noticeProblem(notification);
      if (message === undefined) return new Map();
      throw new DomainError('unprocessable', 'message_invalid', `content: ${message}`, [{ path: 'content', message }]);
    }
    const credentials = await this.credentials.openCurrent(notification.applicationId);
    if (credentials.size === 0) {
      throw new DomainError('unprocessable', 'no_credentials', 'the application has no credential of any provider yet');
    }
    const problems: (Problem & { name: ProviderName })[] = [];
    for (const name of PROVIDER_NAMES) {
      // Overrides for a provider without a credential are looked at too: a misspelt one must not wait for that credential.
      if (!credentials.has(name) && notification.overrides[name] === undefined) continue;
      for (const problem of this.provider(name).check(messageFor(notification, name))) {
        problems.push({ name, ...problem });
      }
    }
    if (problems.length > 0) throw messageInvalid(problems);
    return credentials;
  }

  /**
   * For each provider with a credential, the exact request that would go out.
   *
   * @throws DomainError as {@link check}
   */
  async preview(notification: Messageable): Promise<Partial<Record<ProviderName, PreviewRequest>>> {
    const credentials = await this.check(notification);
    return Object.fromEntries(
      [...credentials].map(([name, credential]) => [
        name,
        this.provider(name).preview(messageFor(notification, name), credential),
      ]),
    );
  }

  /**
   * The request of a push that is stored, compiled again, without token and secrets: what it was, as long as neither the
   * credential nor Carillon's version has changed since.
   *
   * @returns null when it cannot be compiled any more: no credential, or content that this version would refuse
   */
  async recompile(
    notification: Messageable,
    device: { provider: ProviderName; environment: Environment | null; vapidPublicKey: string | null },
  ): Promise<PreviewRequest | null> {
    const { provider: name, environment, vapidPublicKey } = device;
    const credentials = await this.credentials.open(notification.applicationId, name);
    // The pair that a browser subscribed with, as long as it is stored.
    const own = credentials.find(({ publicParts }) => publicParts['publicKey'] === vapidPublicKey);
    const credential = own ?? credentials[0];
    const message = messageFor(notification, name);
    if (credential === undefined || this.provider(name).check(message).length > 0) return null;
    const sent = { expiresAt: notification.expiresAt, environment: environment ?? undefined };
    return this.provider(name).preview(message, credential, sent);
  }

  /**
   * Has the providers validate the notification that can do so without sending it; the others are missing from the answer.
   *
   * @throws DomainError as {@link check}, also for what such a provider complains of
   */
  async dryRun(
    notification: Messageable,
    names: readonly ProviderName[],
  ): Promise<Partial<Record<ProviderName, { outcome: OutcomeKind; code: string }>>> {
    const credentials = await this.credentials.openCurrent(notification.applicationId);
    const results = await Promise.all(
      names.map(async (name) => {
        const credential = credentials.get(name);
        const provider = this.provider(name);
        if (!credential || !provider.hasDryRun) return [];
        const outcome = await provider.verifyCredential(credential, messageFor(notification, name));
        if (outcome.kind === 'message_invalid') {
          throw messageInvalid([{ name, path: 'content', message: outcome.detail ?? outcome.code }]);
        }
        return [[name, { outcome: outcome.kind, code: outcome.code }] as const];
      }),
    );
    return Object.fromEntries(results.flat());
  }

  private provider(name: ProviderName): Provider {
    const provider = this.providers.get(name);
    if (!provider) throw new Error(`there is no adapter for ${name}`);
    return provider;
  }
}

/** The same complaint of several providers is one problem that names them all. */
function messageInvalid(found: readonly (Problem & { name: ProviderName })[]): DomainError {
  const groups = Map.groupBy(found, ({ path, message }) => `${path}\n${message}`);
  const problems = [...groups.values()].flatMap((group) => {
    const first = group[0];
    if (!first) return [];
    return [{ path: first.path, message: `${group.map(({ name }) => name).join(', ')}: ${first.message}` }];
  });
  const sentence = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return new DomainError('unprocessable', 'message_invalid', sentence, problems);
}
