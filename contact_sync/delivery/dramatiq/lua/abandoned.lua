-- Clears Dramatiq's queues: takes out what a process that is gone had fetched, and what Dramatiq gave up long ago. The
-- mailboxes know what is due, and the sweep sends new messages, so nothing of it is missed.
-- ARGV: namespace, for how many milliseconds a process is silent that is gone, for how many its dead messages are kept,
-- most of each, the queue.
local namespace, silence, keep, most, queue = unpack(ARGV)
local heartbeats = namespace .. ':__heartbeats__'
for _, process in ipairs(redis.call('ZRANGEBYSCORE', heartbeats, '-inf', now - silence, 'LIMIT', 0, most)) do
  for _, name in ipairs({queue, queue .. '.DQ'}) do
    local fetched = namespace .. ':__acks__.' .. process .. '.' .. name
    for _, message in ipairs(redis.call('SMEMBERS', fetched)) do
      redis.call('HDEL', namespace .. ':' .. name .. '.msgs', message)
    end
    redis.call('DEL', fetched)
  end
  redis.call('ZREM', heartbeats, process)
end
local dead = namespace .. ':' .. queue .. '.XQ'
for _, message in ipairs(redis.call('ZRANGEBYSCORE', dead, '-inf', now - keep, 'LIMIT', 0, most)) do
  redis.call('HDEL', dead .. '.msgs', message)
  redis.call('ZREM', dead, message)
end
return 1
