import { fileURLToPath } from 'node:url';

/** True in the tests, which run the sources; false in `dist`. */
const isSource = import.meta.url.endsWith('.ts');

/** Absolute path of a file or folder of this clone; `path` is relative to its root. */
export function inClone(path: string): string {
  return fileURLToPath(new URL(`${isSource ? '../../' : '../../../'}${path}`, import.meta.url));
}

/** The arguments with which Node runs a script of this folder, as it stands: source or built. */
export function scriptArguments(name: string): string[] {
  const script = fileURLToPath(new URL(`./${name}.${isSource ? 'ts' : 'js'}`, import.meta.url));
  if (!isSource) return [script];
  return ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', script];
}
