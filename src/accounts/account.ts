import { ACCOUNT_ROLES, type AccountRole } from '../http/route.js';

/** A person who may sign in to the console. Accounts are those of the whole installation. */
export interface Account {
  id: string;
  /** In lower case; no two accounts share one. */
  email: string;
  name: string;
  role: AccountRole;
  isDisabled: boolean;
  /** False: signs in with links alone. */
  hasPassword: boolean;
  createdAt: Date;
  lastSignInAt: Date | null;
}

/** Whether a role may do what needs `needed`. */
export function isRoleEnough(role: AccountRole, needed: AccountRole): boolean {
  return ACCOUNT_ROLES.indexOf(role) >= ACCOUNT_ROLES.indexOf(needed);
}

/** The form in which emails are stored and compared. */
export function normalEmail(email: string): string {
  return email.trim().normalize('NFC').toLowerCase();
}
