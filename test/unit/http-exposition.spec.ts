import { expect, it } from 'vitest';
import { mergeExpositions } from '../../src/http/exposition.js';

const cpu = (seconds: number) => `# HELP cpu_seconds CPU.\n# TYPE cpu_seconds counter\ncpu_seconds ${seconds}\n`;

it('shows each metric once, with a sample for each process', () => {
  const others = new Map([
    ['critical+normal', cpu(2)],
    ['bulk', `${cpu(3)}# HELP gc GC.\n# TYPE gc gauge\ngc{kind="minor",text="a } b"} 1\n`],
  ]);
  expect(mergeExpositions(cpu(1), others).split('\n')).toEqual([
    '# HELP cpu_seconds CPU.',
    '# TYPE cpu_seconds counter',
    'cpu_seconds 1',
    'cpu_seconds{process="critical+normal"} 2',
    'cpu_seconds{process="bulk"} 3',
    '',
    '# HELP gc GC.',
    '# TYPE gc gauge',
    'gc{process="bulk",kind="minor",text="a } b"} 1',
    '',
  ]);
});

it('is empty without processes', () => {
  expect(mergeExpositions('', new Map())).toBe('');
});
