/** The simulators alone: `node dist/src/simulator/main.js --home .simulator`. See README.md. */
import { parseArgs } from 'node:util';
import { portsFrom } from './ports.js';
import { startSimulator } from './simulator.js';

const { values } = parseArgs({
  options: {
    home: { type: 'string', default: '.carillon-simulator' },
    host: { type: 'string', default: '127.0.0.1' },
    'port-base': { type: 'string' },
    'max-messages': { type: 'string', default: '200000' },
    'exit-with-parent': { type: 'boolean', default: false },
  },
});

const simulator = await startSimulator({
  home: values.home,
  host: values.host,
  maxMessages: Number(values['max-messages']),
  ports: values['port-base'] === undefined ? {} : portsFrom(Number(values['port-base'])),
});

const { ca: _ca, ...urls } = simulator.urls;
process.stdout.write(`${JSON.stringify({ ...urls, pid: process.pid })}\n`);

let isStopping = false;
function stop(): void {
  if (isStopping) return;
  isStopping = true;
  void simulator.close().then(() => process.exit(0));
}

process.once('SIGTERM', stop);
process.once('SIGINT', stop);
if (values['exit-with-parent']) {
  // The pipe from the parent ends however the parent dies, kill -9 included.
  process.stdin.once('end', stop).once('close', stop).resume();
}
