-- Erases records that were kept for long enough. ARGV: for how long applied events and dead letters are kept, most of
-- each, margin. Answers how many it found of which it found more.
local most = 0
for n, state in ipairs({'applied', 'failed'}) do
  local settled = key('settled', state)
  local ids = redis.call('ZRANGEBYSCORE', settled, '-inf', now - ARGV[n], 'LIMIT', 0, ARGV[3])
  for _, id in ipairs(ids) do
    if not erase(id, ARGV[4]) then redis.call('ZREM', settled, id) end
  end
  most = math.max(most, #ids)
end
return most
