-- Stores an event in its contact's mailbox.
-- ARGV: mailbox, installation, its name, contact, kind, the rest of its record, body, fingerprint, delivery or '', nonce,
-- margin. Answers what was done, the event's id, and since when its mailbox is due if a message is to be sent, else 0.
local mailbox, installation, name, contact, kind, rest, body, print, delivery, nonce, margin = unpack(ARGV)
local box, queue = key('box', mailbox), key('queue', mailbox)
local last, last_print = unpack(redis.call('HMGET', box, 'last', 'print'))

local known = delivery ~= '' and redis.call('HGET', key('delivered'), delivery)
for _, id in ipairs({known or '', last or ''}) do
  if string.sub(id, 13) == nonce then return {'stored', id, now} end -- sent twice, since the answer was lost
end
if known then return {'delivered', known, 0} end
if delivery == '' and last and last_print == print and redis.call('ZSCORE', key('waiting'), last)
  and redis.call('SISMEMBER', key('flight'), last) == 0
then
  return {'equal', last, 0}
end

local id = string.format('%012x', redis.call('INCR', key('seq'))) .. nonce
local was_empty = redis.call('ZCARD', queue) == 0
redis.call('HSET', key('records'), id, string.format('{"at":%.0f,"since":%.0f,', now, now) .. rest)
redis.call('HSET', key('bodies'), id, body)
redis.call('HSET', key('names'), installation, name)
if delivery ~= '' then redis.call('HSET', key('delivered'), delivery, id) end
enlist('waiting', installation, id)
redis.call('ZADD', key('contacts'), 0, contact .. id)
redis.call('ZADD', queue, place(id), kind .. id)
redis.call('HSET', box, 'inst', installation, 'last', id, 'print', print)
if was_empty then
  redis.call('HSET', box, 'ready', now)
  schedule(mailbox, installation, now, now + margin)
end
return {'stored', id, was_empty and now or 0}
