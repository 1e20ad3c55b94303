import { Body, Controller, Param, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { decodeCursor, makePage, type Page, pageOf } from '../http/pagination.js';
import { Route } from '../http/route.js';
import { DomainError } from '../lib/errors.js';
import type { Account } from './account.js';
import {
  accountParams,
  accountSchema,
  createAccountBody,
  listQuery,
  signInLinkSchema,
  updateAccountBody,
} from './accounts.dto.js';
import { AccountsService } from './accounts.service.js';
import { CurrentActor, type SignedInRequest } from './signed-in.js';

const forOwners = { tag: 'Accounts', access: ['admin'], console: 'owner' } as const;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const cursorSchema = z.tuple([z.uuid()]);

type Actor = SignedInRequest['caller'];
type Params = z.infer<typeof accountParams>;

/** People who may sign in to the console; their own sessions are {@link SessionController}'s. */
@Controller()
export class AccountsController {
  constructor(private readonly accounts: AccountsService) {}

  @Route('GET', '/v1/accounts', {
    ...forOwners,
    summary: 'List the accounts of the console',
    query: listQuery,
    responses: { 200: { description: 'In the order of creation.', schema: pageOf(accountSchema) } },
  })
  async list(
    @CurrentActor() actor: Actor,
    @Query() { cursor, limit }: z.infer<typeof listQuery>,
  ): Promise<Page<Account>> {
    assertInstallation(actor);
    const [afterId] = cursor ? decodeCursor(cursor, cursorSchema) : [NIL_UUID];
    const rows = await this.accounts.list(afterId, limit + 1);
    return makePage(
      rows,
      limit,
      ({ id }) => [id],
      (row) => row,
    );
  }

  @Route('POST', '/v1/accounts', {
    ...forOwners,
    summary: 'Make an account',
    body: createAccountBody,
    responses: { 201: { description: 'Made.', schema: accountSchema } },
  })
  create(@CurrentActor() actor: Actor, @Body() body: z.infer<typeof createAccountBody>): Promise<Account> {
    assertInstallation(actor);
    return this.accounts.create(actor, body);
  }

  @Route('PATCH', '/v1/accounts/:id', {
    ...forOwners,
    summary: 'Change an account; another role, or none at all, ends its sessions',
    params: accountParams,
    body: updateAccountBody,
    responses: { 200: { description: 'As it is now.', schema: accountSchema } },
  })
  update(
    @CurrentActor() actor: Actor,
    @Param() { id }: Params,
    @Body() body: z.infer<typeof updateAccountBody>,
  ): Promise<Account> {
    assertInstallation(actor);
    return this.accounts.update(actor, id, body);
  }

  @Route('DELETE', '/v1/accounts/:id', {
    ...forOwners,
    summary: 'Remove an account with its sessions',
    params: accountParams,
    responses: { 204: { description: 'Removed.' } },
  })
  delete(@CurrentActor() actor: Actor, @Param() { id }: Params): Promise<void> {
    assertInstallation(actor);
    return this.accounts.delete(actor, id);
  }

  @Route('POST', '/v1/accounts/:id/sign-in-links', {
    ...forOwners,
    summary: 'Make a link that signs in once; the one before it ends',
    params: accountParams,
    responses: { 201: { description: 'The link, this once.', schema: signInLinkSchema } },
  })
  async createLink(
    @CurrentActor() actor: Actor,
    @Param() { id }: Params,
    @Req() { protocol, host }: FastifyRequest,
  ): Promise<{ url: string; expiresAt: Date }> {
    assertInstallation(actor);
    const { token, expiresAt } = await this.accounts.createLink(actor, id);
    // Behind `#`, which browsers keep to themselves: no server and no proxy logs it.
    return { url: `${protocol}://${host}/console/sign-in#link=${token}`, expiresAt };
  }
}

/** Accounts reach every application. */
function assertInstallation({ applicationId }: Actor): void {
  if (applicationId === '') return;
  throw new DomainError(
    'forbidden',
    'wrong_application',
    'Accounts belong to the installation, not to an application.',
  );
}
