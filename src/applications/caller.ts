import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Actor } from '../accounts/audit.js';
import type { AccountRole, Role } from '../http/route.js';

/** Who is calling, as the guard found out from the API key or from the session of the console. */
export interface Caller extends Actor {
  /** `admin` for whoever is signed in; what such people may do depends on the {@link accountRole}, and the guard has seen to it. */
  role: Role;
  /** null: a key. */
  accountRole: AccountRole | null;
  /** null: a key. */
  accountEmail: string | null;
  /** The key's application; for an admin key and in the console what `?applicationId=` says, else ''. Never '' on `client` and `server` routes. */
  applicationId: string;
}

/** Who did something, for what is shown later: the email of an account, or `key:<id>`. */
export function actorOf({ accountEmail, keyId }: Caller): string {
  return accountEmail ?? `key:${keyId}`;
}

/** The {@link Caller} of this request, for controllers. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  return context.switchToHttp().getRequest<{ caller: Caller }>().caller;
});
