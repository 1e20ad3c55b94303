/** A tenant: one product that sends pushes. */
export interface Application {
  id: string;
  name: string;
  /** PEM (SPKI) of the ES256 key with which the application signs user tokens. */
  userTokenPublicKey: string | null;
  /** False: client keys may claim any user id without a user token. */
  requireUserToken: boolean;
  /** Exact origins whose pages may call client routes. */
  corsOrigins: readonly string[];
  createdAt: Date;
}

export type ApplicationChanges = Partial<
  Pick<Application, 'name' | 'userTokenPublicKey' | 'requireUserToken' | 'corsOrigins'>
>;

/**
 * True for what a browser sends as `Origin`: scheme, host and port only when it is not the scheme's own, nothing behind.
 * `*` and `null` are not origins.
 */
export function isExactOrigin(text: string): boolean {
  if (text.includes('*') || !URL.canParse(text)) return false;
  const url = new URL(text);
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.origin === text;
}
