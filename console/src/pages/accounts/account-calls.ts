import { api, dataOf } from '../../api/client.js';
import { queries } from '../../api/queries.js';
import type { Account, AccountRole } from '../../api/session.js';
import type { NewLink } from './sign-in-link.js';

export interface Invitation {
  email: string;
  name: string;
  role: AccountRole;
  /** Without one the account begins with a link. */
  password?: string;
}

const refresh = () => queries.invalidateQueries({ queryKey: ['accounts'] });

/** Makes an account, and its link unless it has a password. */
export async function invite(invitation: Invitation): Promise<NewLink | undefined> {
  const account = await dataOf(api.POST('/v1/accounts', { body: invitation }));
  await refresh();
  return invitation.password === undefined ? linkFor(account) : undefined;
}

export async function linkFor({ id, email }: Pick<Account, 'id' | 'email'>): Promise<NewLink> {
  return { email, ...(await dataOf(api.POST('/v1/accounts/{id}/sign-in-links', { params: { path: { id } } }))) };
}

export async function change(id: string, body: { role?: AccountRole; isDisabled?: boolean }): Promise<void> {
  await api.PATCH('/v1/accounts/{id}', { params: { path: { id } }, body });
  await refresh();
}

export async function remove(id: string): Promise<void> {
  await api.DELETE('/v1/accounts/{id}', { params: { path: { id } } });
  await refresh();
}
