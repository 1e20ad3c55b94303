import { Problem } from '../../api/problem.js';
import type { Draft, LocalProblem } from './draft.js';

/** What every group of fields gets. */
export interface FieldsProps {
  draft: Draft;
  set(changes: Partial<Draft>): void;
  /** What is wrong with the field at this path of the request, or with something below it. */
  errorAt(path: string): string | undefined;
}

/** Fields that show what is wrong with them; what is wrong elsewhere is said beside the requests. */
const SHOWN = [
  ...['audience', 'overrides.fcm', 'overrides.apns', 'overrides.webpush'],
  ...['title', 'body', 'imageUrl', 'clickUrl', 'badge', 'sound', 'data'].map((name) => `content.${name}`),
  ...['ttlSeconds', 'priority', 'collapseKey', 'sendAt', 'lane', 'semantics', 'realtime', 'realtimeWaitSeconds'].map(
    (name) => `options.${name}`,
  ),
];

const isAt = (path: string, field: string) => path === field || path.startsWith(`${field}.`);

interface FieldError {
  path: string;
  message: string;
}

/** @returns what the API and the form itself complain of, without `body.` before the paths */
export function errorsOf(
  problems: readonly (Error | null)[],
  local: readonly LocalProblem[],
  say: (text: LocalProblem['text']) => string,
): FieldError[] {
  const refused = problems.flatMap((problem) => (problem instanceof Problem ? problem.errors : []));
  return [
    ...local.map(({ path, text }) => ({ path, message: say(text) })),
    ...refused.map(({ path, message }) => ({ path: path.replace(/^body\./, ''), message })),
  ];
}

export function errorAt(errors: readonly FieldError[], field: string): string | undefined {
  const found = errors.find(({ path }) => isAt(path, field));
  if (!found) return undefined;
  const below = found.path.slice(field.length + 1);
  return below === '' ? found.message : `${below}: ${found.message}`;
}

/** What no field shows. */
export function errorsElsewhere(errors: readonly FieldError[]): FieldError[] {
  return errors.filter(({ path }) => !SHOWN.some((field) => isAt(path, field)));
}
