-- Keeps what came of a claim, and takes what is next in the mailbox or gives it back. Fenced by the owner.
-- ARGV: mailbox, owner, wait, lease, most (0 to give it back), after how many deaths one goes by itself, margin, the last
-- event that is to be tried again as it was or ''; then of each event: what became of it (`applied`, `failed`,
-- `waiting`), its member, its record.
-- Answers what is taken; `back`, how many wait, when they are due, and the time; or `lost`.
local mailbox, owner, wait, lease, most, worn, margin, tried = unpack(ARGV, 1, 8)
local box, queue = key('box', mailbox), key('queue', mailbox)
local installation, held_by, last_applied = unpack(redis.call('HMGET', box, 'inst', 'owner', 'applied'))
if held_by ~= owner then return {'lost'} end

redis.call('HSET', box, 'ready', now + wait)
if tried > (redis.call('HGET', box, 'tried') or '') then redis.call('HSET', box, 'tried', tried) end
land(mailbox)
for n = 9, #ARGV, 3 do
  local state, member, record = ARGV[n], ARGV[n + 1], ARGV[n + 2]
  local id = string.sub(member, 2)
  redis.call('HSET', key('records'), id, record)
  if state ~= 'waiting' then
    redis.call('ZREM', queue, member)
    strike('waiting', installation, id)
    enlist(state, installation, id)
    redis.call('ZADD', key('settled', state), now, id)
  end
  if state == 'failed' then redis.call('SADD', key('dead', mailbox), id) end
  if state == 'applied' then
    redis.call('HDEL', key('bodies'), id)
    if not last_applied or last_applied < id then last_applied = id end
    redis.call('HSET', box, 'applied', last_applied)
  end
end
local ready = tonumber(redis.call('HGET', box, 'ready'))
if most ~= '0' and ready <= now and redis.call('ZCARD', queue) > 0 then
  return take(mailbox, installation, owner, lease, most, worn)
end
return {'back', give_back(mailbox, installation, margin), ready, now}
