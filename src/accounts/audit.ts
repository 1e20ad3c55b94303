/** Who does something: an API key, a person in the console, or the service itself. */
export interface Actor {
  /** The API key's id, `bootstrap` for CARILLON_ADMIN_KEY, `console` for people, `system` for the service itself. */
  keyId: string;
  /** null: not a person who is signed in. */
  accountId: string | null;
}

/** What the service did by itself. */
export const SYSTEM: Actor = { keyId: 'system', accountId: null };

/** `keyId` of everything that is done in the console. */
export const CONSOLE_KEY_ID = 'console';

/** One administrative change: who did what to what. Never holds a value, so never a secret. */
export interface AuditEntry extends Actor {
  id: number;
  at: Date;
  /** As it was at that time; null for keys. */
  accountEmail: string | null;
  applicationId: string | null;
  /** Such as `credential.put`. */
  action: string;
  /** What it was done to: an id, or a provider's name. */
  subject: string;
}

/** Which entries to list; undefined: all. */
export interface AuditFilter {
  applicationId?: string | undefined;
  accountId?: string | undefined;
  subject?: string | undefined;
  /** The id of a key or an account, or the email of one. */
  by?: string | undefined;
  /** An action, or what several begin with, such as `credential`. */
  action?: string | undefined;
}

/** What is to be written down beside who and when. */
export type AuditFact = Pick<AuditEntry, 'applicationId' | 'action' | 'subject'>;
