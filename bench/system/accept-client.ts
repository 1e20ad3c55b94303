import { randomBytes } from 'node:crypto';
import { contend, sustain } from '../contender.js';
import { CONTENT } from './campaign-run.js';
import { Http1Client, postOf } from './http1-client.js';
import { latencies } from './percentile.js';

export interface AcceptInput {
  port: number;
  serverKey: string;
  /** `u-1` to `u-<users>` have a device each. */
  users: number;
  connections: number;
}

const CONTENT_JSON = JSON.stringify(CONTENT);

contend<AcceptInput>({
  async setUp({ port, serverKey, users, connections }) {
    const idle = await Promise.all(Array.from({ length: connections }, () => Http1Client.open(port)));
    const all = [...idle];
    const request = postOf(port, '/v1/notifications', serverKey);
    const run = randomBytes(12).toString('hex');
    let sent = 0;
    let latenciesMs: number[] = [];
    const start = (done: (end: string | number) => void): void => {
      const client = idle.pop();
      if (client === undefined) throw new Error('more requests than connections');
      sent += 1;
      const user = 1 + Math.floor(Math.random() * users);
      const body = `{"audience":{"userIds":["u-${user}"]},"content":${CONTENT_JSON},"options":{"lane":"normal"}}`;
      const startedMs = performance.now();
      client.send(request(`${run}-${sent}`, body), (status) => {
        latenciesMs.push(performance.now() - startedMs);
        idle.push(client);
        done(status);
      });
    };
    return {
      run: (count) => {
        latenciesMs = [];
        return count === 0 ? Promise.resolve({}) : sustain(count, connections, start);
      },
      extra: () => ({ ...latencies(latenciesMs) }),
      tearDown: async () => {
        for (const client of all) client.close();
      },
    };
  },
});
