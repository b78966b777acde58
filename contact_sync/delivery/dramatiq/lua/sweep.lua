-- Finds mailboxes that are due and seem to have no message under way: it is long since one was sent, or a worker died.
-- ARGV: most, in how many milliseconds to look at them again. Answers how many.
local found = 0
for _, mailbox in ipairs(redis.call('ZRANGEBYSCORE', key('look'), '-inf', now, 'LIMIT', 0, ARGV[1])) do
  if redis.call('EXISTS', key('box', mailbox)) == 1 then
    redis.call('ZADD', key('look'), now + ARGV[2], mailbox)
    found = found + 1
  else
    redis.call('ZREM', key('look'), mailbox)
  end
end
return found
