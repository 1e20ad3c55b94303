/** One thing wrong with one field. `path` is a JSON path without the leading `$.`, such as `content.data.k`. */
export interface Problem {
  path: string;
  message: string;
}

/** How a refused request is answered; `http/` maps each kind to one status. */
export type DomainErrorKind =
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'unprocessable'
  | 'limited'
  | 'unavailable';

/**
 * A refused request: the caller asked for something that cannot be done. Thrown by services, mapped to
 * `application/problem+json` once, in `http/`. Never holds a token, a key or a secret.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError';

  /**
   * @param kind    decides the HTTP status
   * @param code    stable, snake_case, part of the public contract
   * @param problems the fields that are wrong, when there are such
   */
  constructor(
    readonly kind: DomainErrorKind,
    readonly code: string,
    message: string,
    readonly problems: readonly Problem[] = [],
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}

/** Ends a `switch` over a union: compiles only while every case is handled. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}
