import type { components } from './schema.js';

/** An answer of the API that refuses; `code` is stable, `detail` is for people. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly requestId: string,
    /** By the path of the field that is wrong, such as `body.content.title`. */
    readonly errors: readonly { path: string; message: string }[] = [],
  ) {
    super(detail);
  }

  /** What is wrong with one field; `path` with or without `body.` before it. */
  of(path: string): string | undefined {
    return this.errors.find((error) => error.path === path || error.path === `body.${path}`)?.message;
  }
}

/** Reads a refusal, also one that some proxy on the way made. */
export async function problemOf(response: Response): Promise<Problem> {
  const requestId = response.headers.get('x-request-id') ?? '';
  try {
    const body: components['schemas']['Problem'] = await response.json();
    return new Problem(response.status, body.code, body.detail, body.requestId, body.errors);
  } catch {
    return new Problem(response.status, 'no_problem_document', `HTTP ${response.status}`, requestId);
  }
}
