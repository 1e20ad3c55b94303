/** A JSON Schema, as far as the docs page reads it. */
type Schema = Readonly<Record<string, unknown>>;

/** One field of a schema in words. */
export interface FieldRow {
  /** Dotted, with `[]` for the items of a list and `*` for free names. */
  path: string;
  type: string;
  isRequired: boolean;
  description: string;
}

const LIMITS: readonly (readonly [key: string, words: (value: string) => string])[] = [
  ['const', (value) => `= ${value}`],
  ['default', (value) => `default ${value}`],
  ['minimum', (value) => `≥ ${value}`],
  ['maximum', (value) => `≤ ${value}`],
  ['maxLength', (value) => `≤ ${value} characters`],
  ['maxItems', (value) => `≤ ${value} items`],
  ['pattern', (value) => `matches ${value}`],
];

/** Limits that say nothing: every safe integer. */
const NOISE = new Set([`≥ ${Number.MIN_SAFE_INTEGER}`, `≤ ${Number.MAX_SAFE_INTEGER}`]);

/** Every field below a schema, outer ones first. Of alternatives, the fields of all of them. */
export function fieldsOf(schema: Schema, path = ''): FieldRow[] {
  const alternatives = listOf(schema['anyOf'] ?? schema['oneOf']);
  if (alternatives.length > 0) return unique(alternatives.flatMap((branch) => fieldsOf(branch, path)));
  if (isSchema(schema['items'])) return fieldsOf(schema['items'], `${path}[]`);
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  const named = Object.entries(isSchema(schema['properties']) ? schema['properties'] : {});
  const rows = named.flatMap(([name, field]) => {
    if (!isSchema(field)) return [];
    const fieldPath = path === '' ? name : `${path}.${name}`;
    const description = typeof field['description'] === 'string' ? field['description'] : '';
    const row = { path: fieldPath, type: typeInWords(field), isRequired: required.has(name), description };
    return [row, ...fieldsOf(field, fieldPath)];
  });
  return rows;
}

/** Type and limits of one schema on one line, such as `integer, default 50, ≥ 1, ≤ 1000`. */
export function typeInWords(schema: Schema): string {
  const limits = LIMITS.filter(([key]) => schema[key] !== undefined && !isSchema(schema[key])).map(([key, words]) =>
    words(typeof schema[key] === 'string' && key === 'pattern' ? schema[key] : JSON.stringify(schema[key])),
  );
  return [kindOf(schema), ...limits.filter((limit) => !NOISE.has(limit))].filter(Boolean).join(', ');
}

function kindOf(schema: Schema): string {
  const alternatives = listOf(schema['anyOf'] ?? schema['oneOf']);
  if (alternatives.length > 0) return [...new Set(alternatives.map(kindOf))].join(' or ');
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => JSON.stringify(value)).join(' or ');
  if (isSchema(schema['items'])) return `list of ${kindOf(schema['items'])}`;
  const values = schema['additionalProperties'];
  if (schema['type'] === 'object' && isSchema(values) && kindOf(values) !== 'anything')
    return `names with ${kindOf(values)}`;
  if (typeof schema['format'] === 'string') return schema['format'];
  return typeof schema['type'] === 'string' ? schema['type'] : schema['const'] === undefined ? 'anything' : '';
}

function unique(rows: FieldRow[]): FieldRow[] {
  return rows.filter(({ path }, index) => rows.findIndex((other) => other.path === path) === index);
}

function listOf(value: unknown): Schema[] {
  return Array.isArray(value) ? value.filter(isSchema) : [];
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
