import { type DebianTool, type FoundTool, findTool } from './debian-packages.js';

/** The package `redis-tools` holds the server itself: `redis-check-rdb` is the same program. */
const REDIS: DebianTool = {
  name: 'Redis',
  programs: ['valkey-server', 'redis-server'],
  program: 'redis-server',
  package: 'redis-tools',
  path: 'usr/bin/redis-check-rdb',
  versionArgs: ['--version'],
  versionPattern: /(redis|valkey) server v=/i,
  advice:
    'install Valkey or Redis ≥ 6.2 (apt install valkey-server | apt install redis-server | brew install valkey), or set REDIS_URL',
};

/**
 * A Redis or Valkey server: the machine's own, else a copy kept in one of `cacheDirs`, else one downloaded through apt,
 * unprivileged, into the first of `cacheDirs` that can be written.
 *
 * @param report told what takes long, in a sentence
 * @throws Error that says how to get one
 */
export function findRedisBinary(cacheDirs: readonly string[], report: (message: string) => void): Promise<FoundTool> {
  return findTool(REDIS, cacheDirs, report);
}
