import { expect } from 'vitest';
import type { AccountRole } from '../../src/http/route.js';
import { type Answer, call, type TestApi } from './app.js';

export const PASSWORD = 'correct horse battery staple';

type Api = Pick<TestApi, 'baseUrl' | 'adminKey'>;

/** Somebody who is signed in to the console, as a browser on one of its pages. */
export interface Person {
  accountId: string;
  email: string;
  /** `Cookie` header. */
  cookie: string;
  csrfToken: string;
  /** One request as the console makes it: with the cookie, and the token for whatever is not GET. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

/** A new account. `password` null: it has none. */
export async function createAccount(
  api: Api,
  role: AccountRole,
  { email = `${role}-${crypto.randomUUID()}@example.com`, password = PASSWORD as string | null } = {},
): Promise<{ id: string; email: string }> {
  const body = { email, role, ...(password === null ? {} : { password }) };
  const answer = await call(api, 'POST', '/v1/accounts', { key: api.adminKey, body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return { id: answer.body.id, email };
}

/** `POST /v1/session`, from an address of its own when `from` is given. */
export function trySignIn(api: Api, email: string, password: string, from?: string): Promise<Answer> {
  const headers: Record<string, string> = from === undefined ? {} : { 'x-forwarded-for': from };
  return call(api, 'POST', '/v1/session', { body: { email, password }, headers });
}

/** Signs a new account of this role in, or the one with this email. */
export async function signIn(api: Api, role: AccountRole, email?: string): Promise<Person> {
  const address = email ?? (await createAccount(api, role)).email;
  const answer = await trySignIn(api, address, PASSWORD);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return personOf(api, answer);
}

/** Whoever an answer of `POST /v1/session` or `…/link` has signed in. */
export function personOf(api: Api, answer: Answer): Person {
  const cookie = cookieOf(answer);
  const { account, csrfToken } = answer.body;
  return {
    accountId: account.id,
    email: account.email,
    cookie,
    csrfToken,
    call: (method, path, body, headers = {}) => {
      const csrf: Record<string, string> = method === 'GET' ? {} : { 'x-csrf-token': csrfToken };
      return call(api, method, path, { body, headers: { cookie, ...csrf, ...headers } });
    },
  };
}

/** What a browser sends back of `Set-Cookie`. */
export function cookieOf(answer: Answer): string {
  return (answer.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
}
