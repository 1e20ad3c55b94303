import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Role } from '../http/route.js';

/** Who is calling, as the guard found out from the API key. */
export interface Caller {
  keyId: string;
  role: Role;
  /** The key's application; for an admin key what `?applicationId=` says, else ''. Never '' on `client` and `server` routes. */
  applicationId: string;
}

/** The {@link Caller} of this request, for controllers. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  return context.switchToHttp().getRequest<{ caller: Caller }>().caller;
});
