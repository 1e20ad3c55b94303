import { readFile, writeFile } from 'node:fs/promises';

/** The secret kept in `file` (mode 0600); on first use `generate` makes it. */
export async function keptSecret(file: string, generate: () => string): Promise<string> {
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (kept !== '') return kept;
  const secret = generate();
  await writeFile(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}
