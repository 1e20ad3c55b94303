import apn from '@parse/node-apn';
import { contend, sustain } from '../contender.js';
import { apnsToken, DEVICES, IN_FLIGHT } from '../requests.js';
import { apnProperties } from './message.js';

export interface ApnInput {
  /** `one`: a call for each device, {@link IN_FLIGHT} at a time. `many`: calls with 500 devices each, one after the other. */
  mode: 'one' | 'many';
  url: string;
  ca: string;
  key: string;
}

const BATCH = 500;

contend<ApnInput>({
  setUp: async ({ mode, url, ca, key }) => {
    const { hostname, port } = new URL(url);
    const token = { key, keyId: 'ABCDEFGHIJ', teamId: 'TEAMID1234' };
    const provider = new apn.Provider({ token, address: hostname, port: Number(port), ca: [ca], production: false });
    const tokens = Array.from({ length: DEVICES }, (_, device) => apnsToken(device));
    let at = 0;
    const sendOne = (done: (end: string) => void) => {
      at += 1;
      const notification = new apn.Notification(apnProperties());
      void provider
        .send(notification, tokens[at % DEVICES] ?? '')
        .then(({ sent, failed }) => done(sent.length === 1 ? 'accepted' : JSON.stringify(failed)));
    };
    const sendMany = async (count: number) => {
      let accepted = 0;
      for (let sent = 0; sent < count; sent += BATCH) {
        const size = Math.min(BATCH, count - sent);
        const recipients = Array.from({ length: size }, (_, device) => tokens[device % DEVICES] ?? '');
        accepted += (await provider.send(new apn.Notification(apnProperties()), recipients)).sent.length;
      }
      return { accepted };
    };
    return {
      run: (count) => (mode === 'many' ? sendMany(count) : sustain(count, IN_FLIGHT, sendOne)),
      tearDown: async () => provider.shutdown(),
    };
  },
});
