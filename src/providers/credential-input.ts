import { createPrivateKey, type KeyObject } from 'node:crypto';
import { DomainError, type Problem } from '../lib/errors.js';
import { isRecord } from './answer.js';

/** Collects what is wrong with a credential, so that the answer names every wrong field at once. */
export class CredentialInput {
  readonly problems: Problem[] = [];
  private readonly fields: Record<string, unknown>;

  /** @param prefix where these fields are in the request, such as `serviceAccount.` */
  constructor(
    input: unknown,
    private readonly prefix = '',
  ) {
    this.fields = isRecord(input) ? input : {};
    if (!isRecord(input)) this.wrong('', 'must be an object');
  }

  has(name: string): boolean {
    return this.fields[name] !== undefined;
  }

  value(name: string): unknown {
    return this.fields[name];
  }

  wrong(name: string, message: string): void {
    this.problems.push({ path: `${this.prefix}${name}`.replace(/\.$/, ''), message });
  }

  refuseUnknown(known: readonly string[]): void {
    for (const name of Object.keys(this.fields)) {
      if (!known.includes(name)) this.wrong(name, 'unknown field');
    }
  }

  /** A field that matches; '' after its problem was noted. */
  text(name: string, pattern: RegExp, must: string): string {
    const value = this.fields[name];
    if (typeof value === 'string' && pattern.test(value)) return value;
    this.wrong(name, value === undefined ? 'is required' : must);
    return '';
  }

  /** A private key in PEM; undefined after its problem was noted. The text itself never reaches a message. */
  privateKey(name: string): { pem: string; key: KeyObject } | undefined {
    const pem = this.fields[name];
    if (typeof pem !== 'string') {
      this.wrong(name, pem === undefined ? 'is required' : 'must be a private key in PEM');
      return undefined;
    }
    try {
      return { pem, key: createPrivateKey(pem) };
    } catch {
      this.wrong(name, 'must be a private key in PEM (PKCS #8, unencrypted)');
      return undefined;
    }
  }

  /** @throws DomainError `invalid_credential` when anything was wrong */
  finish(provider: string): void {
    if (this.problems.length === 0) return;
    const named = this.problems.map((problem) => `${problem.path} ${problem.message}`).join('; ');
    throw new DomainError(
      'invalid',
      'invalid_credential',
      `the ${provider} credential is wrong: ${named}`,
      this.problems,
    );
  }
}
