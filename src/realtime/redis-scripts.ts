import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** One run of a script. */
export interface ScriptCall {
  keys: readonly string[];
  args: readonly (string | number)[];
}

/** A Lua script that Redis keeps by its hash. */
export class RedisScript {
  private readonly sha: string;

  constructor(private readonly lua: string) {
    this.sha = createHash('sha1').update(lua).digest('hex');
  }

  async run(redis: Redis, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return redis.eval(this.lua, keys.length, ...keys, ...args);
    }
  }

  /** One run for each call, in one round trip. Fails when one of them does; the others have run then. */
  async runAll(redis: Redis, calls: readonly ScriptCall[]): Promise<unknown[]> {
    const pipeline = redis.pipeline();
    // Cheaper than to find out whether the server still has it.
    pipeline.script('LOAD', this.lua);
    for (const { keys, args } of calls) pipeline.evalsha(this.sha, keys.length, ...keys, ...args);
    const answers = (await pipeline.exec()) ?? [];
    return answers.slice(1).map(([error, answer]) => {
      if (error) throw error;
      return answer;
    });
  }
}

/** Which run of which server this is; '' where that is hidden. */
const RUN_ID = `
  local function run_id()
    local info = redis.pcall('INFO', 'server')
    return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
  end`;

/**
 * `append` gives an ordinary channel its next message; the caller then tells all nodes. KEYS begin with meta, log; limits are
 * entries kept, milliseconds kept, milliseconds that meta is kept. Returns epoch and seq. `now` is the time in ms.
 *
 * A server that was restarted or failed over may have lost the end of a log and would give its numbers out again; so a log
 * belongs to one run of one server, and a message of another run begins a new epoch.
 */
export const APPEND = `${RUN_ID}
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local run
  local function append(new_epoch, event, data, kept, kept_ms, meta_ms)
    run = run or run_id()
    local meta = redis.call('HMGET', KEYS[1], 'e', 's', 'r')
    local epoch, seq = meta[1], tonumber(meta[2] or 0)
    if not epoch or meta[3] ~= run then
      epoch, seq = new_epoch, 0
      redis.call('DEL', KEYS[2])
    end
    seq = seq + 1
    redis.call('HSET', KEYS[1], 'e', epoch, 's', seq, 'r', run)
    redis.call('PEXPIRE', KEYS[1], meta_ms)
    redis.call('XADD', KEYS[2], 'MAXLEN', kept, seq .. '-0', 'e', event, 'd', data, 't', now)
    for _ = 1, 100 do
      local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
      if not first or tonumber(first[2][6]) >= now - kept_ms then break end
      redis.call('XDEL', KEYS[2], first[1])
    end
    redis.call('PEXPIRE', KEYS[2], kept_ms)
    return epoch, seq
  end`;

/**
 * Appends to an ordinary channel and tells all nodes, in one step. With a third key, once only: a repeat gets the same answer.
 *
 * KEYS meta, log, and what stands for this very message. ARGV new epoch, event, data, entries kept, milliseconds kept,
 * milliseconds that meta is kept, hint channel, milliseconds that the third key is kept. Returns epoch and seq.
 */
export const PUBLISH = new RedisScript(`${APPEND}
  local before = KEYS[3] and redis.call('GET', KEYS[3])
  if before then
    local epoch, seq = string.match(before, '(%x+)-(%d+)')
    return {epoch, tonumber(seq)}
  end
  local epoch, seq = append(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
  if KEYS[3] then redis.call('SET', KEYS[3], epoch .. '-' .. seq, 'PX', ARGV[8]) end
  redis.call('PUBLISH', ARGV[7], epoch .. '-' .. seq)
  return {epoch, seq}
`);

/**
 * Appends what Postgres numbered to the tail of an inbox, and tells all nodes. A tail has no holes: a message that does not
 * follow the last one begins it anew, and one that comes late is left to Postgres.
 *
 * KEYS meta, log. ARGV epoch, seq, event, data, at in ms, entries kept, milliseconds kept, hint channel.
 */
export const APPEND_TAIL = new RedisScript(`
  local meta = redis.call('HMGET', KEYS[1], 'e', 's')
  local seq, last = tonumber(ARGV[2]), tonumber(meta[2] or 0)
  if meta[1] ~= ARGV[1] or last < seq then
    if meta[1] ~= ARGV[1] or last + 1 ~= seq then redis.call('DEL', KEYS[2]) end
    redis.call('HSET', KEYS[1], 'e', ARGV[1], 's', seq)
    redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[6], seq .. '-0', 'e', ARGV[3], 'd', ARGV[4], 't', ARGV[5])
    redis.call('PEXPIRE', KEYS[1], ARGV[7])
    redis.call('PEXPIRE', KEYS[2], ARGV[7])
  end
  redis.call('PUBLISH', ARGV[8], ARGV[1] .. '-' .. seq)
  return 1
`);

/**
 * Reads a log after a position; of another epoch's position, from the first entry that is kept. It ends after the limit of
 * entries or bytes, but never before the first entry.
 *
 * KEYS meta, log. ARGV epoch for a log that does not exist ('' leaves it so), milliseconds that a new meta is kept, epoch and
 * seq of the position, limit of entries (0 for the newest position alone), limit of bytes.
 * Returns epoch, last seq, whether more may follow, and flat entries: seq, event, data, at in ms.
 */
export const READ = new RedisScript(`${RUN_ID}
  local meta = redis.call('HMGET', KEYS[1], 'e', 's')
  local epoch, last = meta[1], tonumber(meta[2] or 0)
  if not epoch then
    if ARGV[1] == '' then return false end
    epoch = ARGV[1]
    redis.call('DEL', KEYS[2])
    redis.call('HSET', KEYS[1], 'e', epoch, 's', 0, 'r', run_id())
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  local limit, after = tonumber(ARGV[5]), 0
  if ARGV[3] == epoch then after = tonumber(ARGV[4]) end
  if limit == 0 or after >= last then return {epoch, last, 0, {}} end
  local found = redis.call('XRANGE', KEYS[2], (after + 1) .. '-0', '+', 'COUNT', limit)
  local entries, bytes, more = {}, 0, #found == limit and 1 or 0
  for i, entry in ipairs(found) do
    local fields = entry[2]
    bytes = bytes + #fields[4]
    if i > 1 and bytes > tonumber(ARGV[6]) then more = 1 break end
    table.insert(entries, string.sub(entry[1], 1, -3))
    table.insert(entries, fields[2])
    table.insert(entries, fields[4])
    table.insert(entries, fields[6])
  end
  return {epoch, last, more, entries}
`);

/** KEYS the turn. ARGV who asks, milliseconds. Returns 1 when it is theirs, newly or again; 0: somebody else has it. */
export const TAKE_TURN = new RedisScript(`
  local holder = redis.call('GET', KEYS[1])
  if holder and holder ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
`);
