import { hash } from 'node:crypto';

/**
 * SHA-256 of a JSON value in one fixed spelling, so that the same request is recognised whatever the order of its fields.
 *
 * @param value parsed JSON; fields that are `undefined` count as absent
 */
export function requestHash(value: unknown): Buffer {
  return hash('sha256', canonicalJson(value), 'buffer');
}

function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  let json = '';
  if (Array.isArray(value)) {
    for (const item of value) json += `${json === '' ? '' : ','}${canonicalJson(item ?? null)}`;
    return `[${json}]`;
  }
  for (const name of sorted(Object.keys(value))) {
    const field: unknown = Reflect.get(value, name);
    if (field !== undefined) json += `${json === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(field)}`;
  }
  return `{${json}}`;
}

function sorted(names: string[]): string[] {
  for (let i = 1; i < names.length; i += 1) {
    if ((names[i] ?? '') < (names[i - 1] ?? '')) return names.sort();
  }
  return names;
}
