import { fieldsOf, typeInWords } from './docs-schema.js';
import type { OpenApiDocument, Operation } from './openapi.js';

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#ddd, #3a3a3a); --dim: light-dark(#666, #aaa); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1rem 1.25rem 4rem; }
h1 { margin: .5rem 0; } h2 { border-bottom: 1px solid var(--line); margin: 2.5rem 0 .75rem; }
h4 { margin: 1rem 0 .25rem; } nav a { margin-right: 1rem; white-space: nowrap; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; }
summary { cursor: pointer; padding: .5rem .75rem; display: flex; gap: .75rem; align-items: baseline; flex-wrap: wrap; }
details > div { border-top: 1px solid var(--line); overflow-x: auto; padding: .25rem .75rem 1rem; }
.method { font: 600 .8rem ui-monospace, monospace; min-width: 4.2rem; }
.GET { color: light-dark(#06623b, #5fd39b); } .POST { color: light-dark(#0b4f9e, #7fb6ff); } .PUT, .PATCH { color: light-dark(#8a5a00, #f0b95a); } .DELETE { color: light-dark(#a1201a, #ff8a80); }
code { font: .85rem/1.45 ui-monospace, monospace; }
.dim { color: var(--dim); } table { border-collapse: collapse; width: 100%; } td, th { border-bottom: 1px solid var(--line); padding: .3rem 1rem .3rem 0; text-align: left; vertical-align: top; }
`;

/** What the page may load: nothing but itself. */
export const DOCS_CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The API reference as one HTML page without scripts, fonts or anything else from outside. */
export function renderDocs(document: OpenApiDocument): string {
  const sections = document.tags.map(({ name }) => sectionOf(name, document)).join('');
  const links = document.tags.map(({ name }) => `<a href="#${anchor(name)}">${escaped(name)}</a>`).join('');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(document.info.title)} API</title><style>${STYLE}</style></head>
<body><h1>${escaped(document.info.title)} API</h1>
<p>${prose(document.info.description)}</p>
<p>The same as <a href="/openapi.json">openapi.json</a>, version ${escaped(document.info.version)}.</p>
<nav>${links}</nav>${sections}</body></html>`;
}

function sectionOf(tag: string, document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => operationOf(method.toUpperCase(), path, operation)),
  );
  return `<h2 id="${anchor(tag)}">${escaped(tag)}</h2>${operations.join('')}`;
}

function operationOf(method: string, path: string, operation: Operation): string {
  const body = Object.entries(operation.requestBody?.content ?? {}).map(
    ([mediaType, { schema }]) => `<h4>Body <span class="dim">${escaped(mediaType)}</span></h4>${fields(schema)}`,
  );
  const answers = Object.entries(operation.responses).map(([status, { description, content }]) => {
    const schema = Object.values(content ?? {})[0]?.schema;
    const isProblem = schema !== undefined && '$ref' in schema;
    return `<h4>${escaped(status)} <span class="dim">${prose(description)}</span></h4>${schema && !isProblem ? fields(schema) : ''}`;
  });
  return `<details id="${escaped(operation.operationId)}"><summary><span class="method ${method}">${method}</span><code>${escaped(path)}</code><span class="dim">${prose(operation.summary)}</span></summary>
<div><p>${prose(operation.description)}</p>${parametersOf(operation)}${body.join('')}${answers.join('')}</div></details>`;
}

function parametersOf({ parameters = [] }: Operation): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map(
    (parameter) =>
      `<tr><td><code>${escaped(parameter.name)}</code>${parameter.required ? '' : ' <span class="dim">optional</span>'}</td><td>${escaped(parameter.in)}</td><td>${escaped(typeInWords(parameter.schema))}</td><td>${prose(parameter.description ?? '')}</td></tr>`,
  );
  return `<h4>Parameters</h4><table>${rows.join('')}</table>`;
}

function fields(schema: Record<string, unknown>): string {
  const rows = fieldsOf(schema).map(
    ({ path, type, isRequired, description }) =>
      `<tr><td><code>${escaped(path)}</code>${isRequired ? '' : ' <span class="dim">optional</span>'}</td><td>${escaped(type)}</td><td>${prose(description)}</td></tr>`,
  );
  const about = typeof schema['description'] === 'string' ? `<p>${prose(schema['description'])}</p>` : '';
  return rows.length > 0
    ? `${about}<table>${rows.join('')}</table>`
    : `${about}<p><code>${escaped(typeInWords(schema))}</code></p>`;
}

function prose(text: string): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

function anchor(text: string): string {
  return `tag-${text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
