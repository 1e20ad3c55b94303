/** Makes one small file of each entry of the SDK: a page then waits for one request, not for a chain of them. */
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

for (const name of ['carillon', 'carillon-push']) {
  const bundle = await rolldown({ input: here(`sdk/${name}.ts`), platform: 'browser' });
  await bundle.write({ file: here(`../dist/browser/sdk/${name}.js`), format: 'es', minify: true });
  await bundle.close();
}
