import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';

/** @returns whether 127.0.0.1:`port` can be bound now */
export async function isPortFree(port: number): Promise<boolean> {
  return (await bindOnce(port)) !== undefined;
}

/**
 * The port that is written in `rememberedIn` while it is free, so that addresses survive a restart; otherwise one that the
 * system chooses, which is written there.
 */
export async function choosePort(rememberedIn: string): Promise<number> {
  const remembered = Number(await readFile(rememberedIn, 'utf8').catch(() => ''));
  if (remembered > 0 && (await isPortFree(remembered))) return remembered;
  const port = await bindOnce(0);
  if (port === undefined) throw new Error('the system has no free port on 127.0.0.1');
  await writeFile(rememberedIn, `${port}\n`);
  return port;
}

function bindOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
