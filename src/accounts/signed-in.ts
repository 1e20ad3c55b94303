import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Actor } from './audit.js';
import type { SignedIn } from './sessions.service.js';

/** What the guard leaves on the request, as far as this folder needs it. */
export interface SignedInRequest {
  caller: Actor & { applicationId: string };
  /** Whoever is signed in with this request; undefined with a key. */
  session?: SignedIn;
}

/** The {@link SignedIn} of this request, for operations that take no key. */
export const CurrentSession = createParamDecorator((_: unknown, context: ExecutionContext): SignedIn => {
  const { session } = context.switchToHttp().getRequest<SignedInRequest>();
  if (!session) throw new Error('this operation is open to keys, which have no session');
  return session;
});

/** Who is calling, with a key or signed in; `applicationId` '' stands for the whole installation. */
export const CurrentActor = createParamDecorator(
  (_: unknown, context: ExecutionContext): SignedInRequest['caller'] =>
    context.switchToHttp().getRequest<SignedInRequest>().caller,
);
