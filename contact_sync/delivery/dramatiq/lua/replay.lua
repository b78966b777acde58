-- Puts a dead letter back at its place. ARGV: id, its record as it was read, its new record, kind, 1 to do it although
-- later ones were applied, margin. Answers `none`, `changed`, `unfailed`, `older`, or `waiting`.
local id, before, after, kind, although_older, margin = unpack(ARGV)
local text = redis.call('HGET', key('records'), id)
if not text then return 'none' end
if text ~= before then return 'changed' end
if not redis.call('ZSCORE', key('failed'), id) then return 'unfailed' end
local record = cjson.decode(text)
local mailbox, installation = record.m, record.i
local box = key('box', mailbox)
if although_older ~= '1' then
  local applied = redis.call('HGET', box, 'applied')
  if applied and applied > id then return 'older' end
  for _, member in ipairs(members_in_flight(mailbox)) do
    if string.sub(member, 2) > id then return 'older' end
  end
end
redis.call('HSET', key('records'), id, after)
redis.call('HSET', box, 'inst', installation, 'ready', now)
redis.call('ZADD', key('queue', mailbox), place(id), kind .. id)
enlist('waiting', installation, id)
strike('failed', installation, id)
redis.call('SREM', key('dead', mailbox), id)
redis.call('ZREM', key('settled', 'failed'), id)
if redis.call('HEXISTS', box, 'owner') == 0 then tidy(mailbox, installation, margin) end
return 'waiting'
