/** What to do about what an overview shows, in a sentence each. Pure. */
import type { GateState } from './system.repository.js';

const DAY_MS = 86_400_000;
/** Days before its end at which a credential is to be replaced. */
const EXPIRY_WARNING_DAYS = 30;

export function adviceOnGate(kind: GateState['kind']): string {
  switch (kind) {
    case 'throttled':
      return 'The provider asked for a pause; sending goes on by itself when it is over. If it happens often, spread campaigns or ask the provider for a larger quota.';
    case 'breaker':
      return "The provider's servers fail; a few pushes try it again and again, and sending goes on by itself when they succeed. Look at the provider's status page.";
    case 'credential':
      return 'The provider refuses the credential; deliveries wait until their time is over. Store a new credential, or verify this one once it works again.';
  }
}

/** @returns null when there is nothing to do */
export function adviceOnCredential(state: 'ok' | 'broken', expiresAt: Date | null, now: Date): string | null {
  if (state === 'broken') return adviceOnGate('credential');
  if (expiresAt === null) return null;
  const days = Math.floor((expiresAt.getTime() - now.getTime()) / DAY_MS);
  if (days >= EXPIRY_WARNING_DAYS) return null;
  if (days < 0) return 'The certificate has expired: store a new one.';
  return `The certificate expires in ${days === 1 ? '1 day' : `${days} days`}: store a new one before that.`;
}

const ON_FAILURE: Readonly<Record<string, string>> = {
  token_invalid: 'Nothing: the app was removed or its token replaced, and the device was set inactive.',
  token_refused:
    'Check that the devices were registered with the same project, environment, key or topic as the credential.',
  message_invalid: 'Change the content or the overrides: the provider does not take them. The detail is in the log.',
  throttled: 'Nothing at once: it is tried again when the provider allows. Spread campaigns if it happens often.',
  unavailable: "Nothing at once: it is tried again. If it goes on, look at the provider's status page.",
  ambiguous:
    'Nothing at once: it is tried again unless the notification is to be sent at most once. Check the network.',
  not_processed: 'Nothing: it is tried again at once.',
  credential_invalid: 'Store a new credential, or verify this one: the provider refuses it.',
};

/** @param outcome of a provider call that was not accepted */
export function adviceOnFailure(outcome: string): string {
  return ON_FAILURE[outcome] ?? 'Look at the detail in the delivery log.';
}
