-- Claims mailboxes that are due, and takes their heads.
-- ARGV: owner, lease, most events of each, after how many deaths one goes by itself; an installation and how many of its
-- mailboxes that no worker died over; or '' and 1 for one of the installation whose turn it is, followed by the number of installations that are to be passed over,
-- these, and the owners of whom it is known that they live.
-- Answers what is claimed: `taken`, or `died` with what was in flight when the last worker died. If there is nothing,
-- `passed` if there would be of installations that were passed over, else `nothing` and the time.
local owner, lease, most, worn, only, wanted = unpack(ARGV, 1, 6)
local passed_over, alive = {}, {}
if only == '' then
  local last = 7 + ARGV[7]
  for n = 8, last do passed_over[ARGV[n]] = true end
  for n = last + 1, #ARGV do alive[ARGV[n]] = true end
end

local function claim(mailbox, installation)
  local held_by, ends, ready = unpack(redis.call('HMGET', key('box', mailbox), 'owner', 'until', 'ready'))
  if not ready then
    unschedule(mailbox, installation)
  elseif held_by then
    if tonumber(ends) > now or only ~= '' then return false end
    if alive[held_by] then -- Redis was away
      hold(mailbox, installation, held_by, lease)
      return false
    end
    hold(mailbox, installation, owner, lease)
    return answer('died', mailbox, installation, members_in_flight(mailbox))
  elseif tonumber(ready) > now or redis.call('ZCARD', key('queue', mailbox)) == 0 then
    tidy(mailbox, installation, 0)
  else
    local head = redis.call('ZRANGE', key('queue', mailbox), 0, 0)[1]
    if only ~= '' and crashes(string.sub(head, 2)) > 0 then return false end
    return take(mailbox, installation, owner, lease, most, worn)
  end
  return false
end

local function claim_of(installation)
  local claims = {}
  local lanes = key('lanes', installation)
  for _, mailbox in ipairs(redis.call('ZRANGEBYSCORE', lanes, '-inf', now, 'LIMIT', 0, wanted + 2)) do
    local claimed = #claims < tonumber(wanted) and claim(mailbox, installation)
    if claimed then claims[#claims + 1] = claimed end
  end
  -- Its next turn comes behind those who have waited for longer, or when something of it is due.
  local first = redis.call('ZRANGE', lanes, 0, 0, 'WITHSCORES')[2]
  if first then
    local turn = math.max(moment, first * 1000)
    if #claims == 0 then turn = math.max(turn, moment + 1000) end -- never again in this call
    redis.call('ZADD', key('turn'), turn, installation)
  else
    redis.call('ZREM', key('turn'), installation)
  end
  return claims
end

if only ~= '' then return claim_of(only) end
local offset, some = 0, false
while true do
  local turns = redis.call('ZRANGEBYSCORE', key('turn'), '-inf', moment, 'LIMIT', offset, 20)
  for _, installation in ipairs(turns) do
    if passed_over[installation] then
      some = true
      offset = offset + 1
    else
      local claims = claim_of(installation)
      if #claims > 0 then return claims end
    end
  end
  if #turns < 20 then break end
end
if some then return {'passed'} end
return {'nothing', now}
