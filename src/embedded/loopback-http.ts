import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface LoopbackRequest {
  method?: 'GET' | 'POST' | 'PUT';
  /** Sent as a bearer token. */
  key?: string;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as NDJSON, one value a line; instead of `body`. */
  lines?: readonly unknown[];
  timeoutMs?: number;
}

export interface LoopbackResponse {
  status: number;
  /** Parsed when it is JSON, else text. */
  body: unknown;
}

/**
 * One request to a process of our own. Over TLS its certificate is not checked: it is made for the name under which others
 * reach the service, and nothing leaves this machine.
 */
export function loopbackRequest(url: string, options: LoopbackRequest = {}): Promise<LoopbackResponse> {
  const payload = payloadOf(options);
  const type = options.lines ? 'application/x-ndjson' : 'application/json';
  const headers = {
    ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
    ...(payload === undefined ? {} : { 'content-type': type, 'content-length': payload.length }),
  };
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const settings = { method: options.method ?? 'GET', headers, agent: false, rejectUnauthorized: false };
    const request = send(url, settings, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString()) }),
      );
    });
    request.setTimeout(options.timeoutMs ?? 10_000, () => request.destroy(new Error(`no answer from ${url}`)));
    request.on('error', reject);
    request.end(payload);
  });
}

function payloadOf({ body, lines }: LoopbackRequest): Buffer | undefined {
  if (lines) return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return body === undefined ? undefined : Buffer.from(JSON.stringify(body));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
