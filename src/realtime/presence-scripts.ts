import { APPEND, RedisScript } from './redis-scripts.js';

/*
 * Who is present in a channel stands in three keys beside its log: `who`, users by the time since when; `holds`, what keeps
 * them there: one of each node that they are connected to, `<node> <user>`, by the time at which it lapses; and `tally`, how
 * many holds a user has. A user joins with the first hold and leaves with the last.
 *
 * All scripts: KEYS meta, log, who, holds, tally. ARGV new epoch, entries kept, milliseconds kept, milliseconds that meta is
 * kept, hint channel, milliseconds that these keys are kept; then their own.
 * All return the epoch of the log or '', the time in ms at which the first hold lapses or '', and 1 when there is more to do.
 */

const BEGIN = `${APPEND}
  local last
  local function announce(event, user)
    local epoch, seq = append(ARGV[1], event, '{"userId":"' .. user .. '"}', ARGV[2], ARGV[3], ARGV[4])
    last = epoch .. '-' .. seq
  end
  local more = 0`;

const END = `
  if last then redis.call('PUBLISH', ARGV[5], last) end
  for i = 3, 5 do redis.call('PEXPIRE', KEYS[i], ARGV[6]) end
  local first = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
  return {redis.call('HGET', KEYS[1], 'e') or '', first[2] or '', more}`;

/**
 * Holds users in a channel, from now for some time. Whoever was not there has joined: unless the node knows that this was
 * announced, in an epoch which is over. Then Redis has lost it, and nobody has left.
 *
 * ARGV 7 node, 8 milliseconds; then of each user the id, since when in ms, and the epoch in which the node held it before or ''.
 */
export const HOLD = new RedisScript(`${BEGIN}
  local epoch = redis.call('HGET', KEYS[1], 'e')
  for i = 9, #ARGV, 3 do
    local user, known = ARGV[i], ARGV[i + 2]
    if redis.call('ZADD', KEYS[4], now + ARGV[8], ARGV[7] .. ' ' .. user) == 1 then
      redis.call('HINCRBY', KEYS[5], user, 1)
    end
    local is_new = redis.call('ZADD', KEYS[3], 'NX', ARGV[i + 1], user) == 1
    if is_new and (known == '' or known == epoch) then announce('joined', user) end
  end
  ${END}
`);

/** Lets holds lapse after a time of grace. ARGV 7 node, 8 milliseconds; then the users. */
export const RELEASE = new RedisScript(`${BEGIN}
  for i = 9, #ARGV do redis.call('ZADD', KEYS[4], 'XX', now + ARGV[8], ARGV[7] .. ' ' .. ARGV[i]) end
  ${END}
`);

/**
 * Removes holds that have lapsed; whoever has no other one has left. Not after the time given: a server that was silent runs
 * first what had reached it before, when nobody could say yet who is still there.
 *
 * ARGV 7 the most of them, 8 until when in ms.
 */
export const SWEEP = new RedisScript(`${BEGIN}
  local limit = now <= tonumber(ARGV[8]) and tonumber(ARGV[7]) or 0
  local lapsed = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, limit)
  for _, hold in ipairs(lapsed) do
    redis.call('ZREM', KEYS[4], hold)
    local user = string.sub(hold, string.find(hold, ' ', 1, true) + 1)
    if redis.call('HINCRBY', KEYS[5], user, -1) <= 0 then
      redis.call('HDEL', KEYS[5], user)
      if redis.call('ZREM', KEYS[3], user) == 1 then announce('left', user) end
    end
  end
  if limit > 0 and #lapsed == limit then more = 1 end
  ${END}
`);

/**
 * The channels in which something has lapsed, which the caller is to sweep. Nobody else is told of them, unless the caller does
 * not come back within the time given.
 *
 * KEYS due. ARGV the most of them, milliseconds. Returns the score that they have now, the time in ms, and them.
 */
export const TAKE_DUE = new RedisScript(`
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
  for _, name in ipairs(due) do redis.call('ZADD', KEYS[1], now + ARGV[2], name) end
  return {tostring(now + ARGV[2]), now, due}
`);

/**
 * Notes when channels are to be swept.
 *
 * KEYS due. ARGV the score from TAKE_DUE, or '' for channels that were not taken; then of each its name and the time in ms, or ''
 * when nothing is left in it. Of a taken channel somebody may have noted an earlier time meanwhile, which then holds.
 */
export const NOTE_DUE = new RedisScript(`
  local taken = tonumber(ARGV[1])
  for i = 2, #ARGV, 2 do
    local name, at = ARGV[i], ARGV[i + 1]
    if at == '' then
      if taken and tonumber(redis.call('ZSCORE', KEYS[1], name) or 0) == taken then redis.call('ZREM', KEYS[1], name) end
    elseif taken then
      redis.call('ZADD', KEYS[1], 'LT', at, name)
    else
      redis.call('ZADD', KEYS[1], at, name)
    end
  end
  return 1
`);
