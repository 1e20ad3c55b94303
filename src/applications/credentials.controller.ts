import { Body, Controller, Param } from '@nestjs/common';
import { z } from 'zod';
import { Route } from '../http/route.js';
import { PROVIDER_NAMES } from '../lib/names.js';
import { applicationParams } from './applications.dto.js';
import { ApplicationsService } from './applications.service.js';
import { type Caller, CurrentCaller } from './caller.js';
import type { StoredCredential } from './credential.js';
import { CredentialsService, type Verification } from './credentials.service.js';

const TAG = 'Credentials';

const credentialParams = z.strictObject({ ...applicationParams.shape, provider: z.enum(PROVIDER_NAMES) });
/** Which fields there are depends on the provider, whose adapter checks them by name. */
const credentialBody = z
  .looseObject({ simulated: z.boolean().default(false).describe('For the simulators; only where one is configured') })
  .describe(
    'fcm: `serviceAccount`. apns: `keyId`, `teamId`, `bundleId`, `privateKey`, `environment`; or `certificate`, `privateKey`, `bundleId`, `environment`. webpush: `subject`, `publicKey`, `privateKey`; or `subject`, `generate: true`.',
  );
const credentialSchema = z
  .object({
    provider: z.enum(PROVIDER_NAMES),
    version: z.number().int(),
    state: z.enum(['ok', 'broken']),
    stateReason: z.string().nullable(),
    fingerprint: z.string(),
    simulated: z.boolean(),
    createdAt: z.iso.datetime(),
  })
  .catchall(z.string())
  .describe('With the public parts of the credential: project id, key id, team id, bundle id, environment, public key');
const verificationSchema = z.object({
  state: z.enum(['ok', 'broken']),
  ok: z.boolean(),
  code: z.string().describe("The provider's own word"),
  detail: z.string().nullable(),
});

type ShownCredential = Record<string, unknown>;

@Controller()
export class CredentialsController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly credentials: CredentialsService,
  ) {}

  @Route('GET', '/v1/applications/:id/credentials', {
    summary: 'List credentials, without secrets',
    tag: TAG,
    access: ['admin'],
    params: applicationParams,
    responses: {
      200: {
        description: 'The current one of each provider.',
        schema: z.object({ items: z.array(credentialSchema), nextCursor: z.null() }),
      },
    },
  })
  async list(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof applicationParams>,
  ): Promise<{ items: ShownCredential[]; nextCursor: null }> {
    await this.applications.administer(caller, id);
    return { items: (await this.credentials.list(id)).map(shown), nextCursor: null };
  }

  @Route('PUT', '/v1/applications/:id/credentials/:provider', {
    summary: 'Store a credential; it replaces the old one at once',
    tag: TAG,
    access: ['admin'],
    params: credentialParams,
    body: credentialBody,
    responses: { 200: { description: 'Stored and sealed.', schema: credentialSchema } },
  })
  async put(
    @CurrentCaller() caller: Caller,
    @Param() { id, provider }: z.infer<typeof credentialParams>,
    @Body() { simulated, ...input }: z.infer<typeof credentialBody>,
  ): Promise<ShownCredential> {
    await this.applications.administer(caller, id);
    return shown(await this.credentials.put(caller, id, provider, input, simulated));
  }

  @Route('GET', '/v1/applications/:id/credentials/:provider', {
    summary: 'Read a credential, without its secret',
    tag: TAG,
    access: ['admin'],
    params: credentialParams,
    responses: { 200: { description: 'The current version.', schema: credentialSchema } },
  })
  async read(
    @CurrentCaller() caller: Caller,
    @Param() { id, provider }: z.infer<typeof credentialParams>,
  ): Promise<ShownCredential> {
    await this.applications.administer(caller, id);
    return shown(await this.credentials.get(id, provider));
  }

  @Route('DELETE', '/v1/applications/:id/credentials/:provider', {
    summary: 'Remove a credential, older key pairs included',
    tag: TAG,
    access: ['admin'],
    params: credentialParams,
    responses: { 204: { description: 'Removed.' } },
  })
  async delete(
    @CurrentCaller() caller: Caller,
    @Param() { id, provider }: z.infer<typeof credentialParams>,
  ): Promise<void> {
    await this.applications.administer(caller, id);
    await this.credentials.delete(caller, id, provider);
  }

  @Route('POST', '/v1/applications/:id/credentials/:provider/verify', {
    summary: 'Try a credential against its provider, without sending',
    tag: TAG,
    access: ['admin'],
    console: 'operator',
    params: credentialParams,
    responses: { 200: { description: 'What the provider said.', schema: verificationSchema } },
  })
  async verify(
    @CurrentCaller() caller: Caller,
    @Param() { id, provider }: z.infer<typeof credentialParams>,
  ): Promise<Verification> {
    await this.applications.administer(caller, id);
    return this.credentials.verify(caller, id, provider);
  }

  @Route('GET', '/v1/applications/:id/webpush/public-key', {
    summary: 'The VAPID public key with which browsers subscribe',
    tag: TAG,
    access: 'public',
    cors: true,
    params: applicationParams,
    responses: { 200: { description: 'base64url, uncompressed point.', schema: z.object({ publicKey: z.string() }) } },
  })
  async publicKey(@Param() { id }: z.infer<typeof applicationParams>): Promise<{ publicKey: string }> {
    const { publicParts } = await this.credentials.get(id, 'webpush');
    return { publicKey: publicParts['publicKey'] ?? '' };
  }
}

function shown(credential: StoredCredential): ShownCredential {
  const { provider, version, state, stateReason, fingerprint, simulated, createdAt, publicParts } = credential;
  return { ...publicParts, provider, version, state, stateReason, fingerprint, simulated, createdAt };
}
