import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findTool, NGHTTPD, toolCacheDirs } from '../../src/embedded/debian-packages.js';
import type { Bench } from '../section.js';
import { freePort, identityIn, type Served, serve } from './served.js';

/**
 * nghttpd over TLS on loopback: the cheapest HTTP/2 server there is. It answers a POST with the file of that path.
 *
 * @param files content by path, without a leading slash
 * @throws Error that says how to get nghttpd
 */
export async function startNghttpd(
  bench: Bench,
  files: Readonly<Record<string, string>>,
  { maxStreams = 100 } = {},
): Promise<Served> {
  const tool = await findTool(NGHTTPD, toolCacheDirs(), bench.say);
  const port = await freePort(bench.workDir, 'nghttpd');
  const root = join(bench.workDir, `nghttpd-${port}`);
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  const { key, cert, ca } = identityIn(bench.workDir);
  await writeFile(join(root, 'key.pem'), key, { mode: 0o600 });
  await writeFile(join(root, 'cert.pem'), cert);
  const options = ['-a', '127.0.0.1', '-d', root, '-m', String(maxStreams)];
  return serve(tool, [...options, String(port), join(root, 'key.pem'), join(root, 'cert.pem')], port, ca);
}
