import { describe, expect, it } from 'vitest';
import { apiEnvironment, apiProcessNames } from '../../src/config/api-processes.js';
import { loadApiProcesses, loadConfig } from '../../src/config/config.js';
import { readEmbeddedConfig } from '../../src/config/embedded-config.js';

const NEEDED = {
  CARILLON_MASTER_KEY: Buffer.alloc(32).toString('base64'),
  DATABASE_URL: 'postgres://127.0.0.1/carillon',
  REDIS_URL: 'redis://127.0.0.1',
};

describe('API_PROCESSES', () => {
  it('is one unless somebody wants more', () => {
    expect(loadApiProcesses({})).toBe(1);
    expect(loadApiProcesses({ API_PROCESSES: '' })).toBe(1);
    expect(loadConfig({ ...NEEDED, API_PROCESSES: '4' }).API_PROCESSES).toBe(4);
    expect(readEmbeddedConfig({ API_PROCESSES: '2' }).apiProcesses).toBe(2);
  });

  it.each(['0', '65', '1.5', '-1', 'many'])('cannot be %s, and the error names it', (value) => {
    expect(() => loadConfig({ ...NEEDED, API_PROCESSES: value })).toThrow(/API_PROCESSES: /);
    expect(() => readEmbeddedConfig({ API_PROCESSES: value })).toThrow(/API_PROCESSES: /);
  });

  it('makes processes that serve and fork no others', () => {
    expect(apiProcessNames(2)).toEqual(['api-1', 'api-2']);
    const { API_PROCESS, API_PROCESSES, CARILLON_ROLE } = loadConfig({
      ...NEEDED,
      CARILLON_ROLE: 'all',
      API_PROCESSES: '2',
      ...apiEnvironment('api-2'),
    });
    expect([API_PROCESS, API_PROCESSES, CARILLON_ROLE]).toEqual(['api-2', 1, 'api']);
  });
});
