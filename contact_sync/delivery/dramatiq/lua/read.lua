-- Reads what is known of events. ARGV: their ids. Answers of each that is there: id, record, installation, whether it is
-- in flight, when its mailbox is due.
local found = {}
for _, id in ipairs(ARGV) do
  local text = redis.call('HGET', key('records'), id)
  if text then
    local record = cjson.decode(text)
    found[#found + 1] = {
      id,
      text,
      redis.call('HGET', key('names'), record.i) or '',
      redis.call('SISMEMBER', key('flight'), id),
      redis.call('HGET', key('box', record.m), 'ready') or '',
    }
  end
end
return found
