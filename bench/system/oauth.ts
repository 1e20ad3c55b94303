import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ACCESS_TOKEN } from '../requests.js';

/** Seconds. As Google's. */
const EXPIRES_IN = 3599;

/** Google's token endpoint, as far as a service account needs it: every assertion gets the same token. */
export interface OAuth {
  tokenUri: string;
  /** PEM, of the service account. */
  privateKey: string;
  stop(): Promise<void>;
}

export async function startOAuth(): Promise<OAuth> {
  const token = JSON.stringify({
    access_token: ACCESS_TOKEN,
    expires_in: EXPIRES_IN,
    token_type: 'Bearer',
  });
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json' }).end(token);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    tokenUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
