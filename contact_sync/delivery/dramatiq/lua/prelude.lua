-- What all scripts share. KEYS[1] is how the name of every key begins; it has the hash tag that keeps them in one slot.
-- What is kept, and under which names, is said in ../scripts.py.
--
-- A script's first write always takes memory, so that a server without memory refuses the whole script and not half of
-- it. What erases takes none, and so works without memory as well.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local moment = time[1] * 1000000 + time[2]

local function key(name, of)
  if of then return KEYS[1] .. name .. ':' .. of end
  return KEYS[1] .. name
end

-- An id begins with its place in the order of arrival.
local function place(id)
  return tonumber(string.sub(id, 1, 12), 16)
end

local function enlist(state, installation, id)
  redis.call('ZADD', key(state), place(id), id)
  redis.call('ZADD', key(state, installation), place(id), id)
end

local function strike(state, installation, id)
  redis.call('ZREM', key(state, installation), id)
  redis.call('ZREM', key(state), id)
end

local function members_in_flight(mailbox)
  local members = {}
  for member in string.gmatch(redis.call('HGET', key('box', mailbox), 'flight') or '', '%S+') do
    members[#members + 1] = member
  end
  return members
end

-- `ready` is when a worker may take the mailbox, `look` when the sweep is to see to it. Without memory they stay as they
-- were, and the sweep comes a little later. An installation that gets something to do before its turn gets its turn.
local function schedule(mailbox, installation, ready, look)
  redis.pcall('ZADD', key('lanes', installation), ready, mailbox)
  redis.pcall('ZADD', key('look'), look, mailbox)
  local turn = redis.call('ZSCORE', key('turn'), installation)
  local due = math.max(moment, ready * 1000)
  if not turn or tonumber(turn) > due then redis.pcall('ZADD', key('turn'), due, installation) end
end

local function unschedule(mailbox, installation)
  redis.call('ZREM', key('lanes', installation), mailbox)
  redis.call('ZREM', key('look'), mailbox)
  if redis.call('EXISTS', key('lanes', installation)) == 0 then redis.call('ZREM', key('turn'), installation) end
end

-- Puts a mailbox that nobody holds where the sweep finds it, or away if nothing is left in it. Gives how many wait.
local function tidy(mailbox, installation, margin)
  local box = key('box', mailbox)
  local waiting = redis.call('ZCARD', key('queue', mailbox))
  if waiting > 0 then
    local ready = tonumber(redis.call('HGET', box, 'ready'))
    schedule(mailbox, installation, ready, math.max(ready, now) + margin)
  else
    unschedule(mailbox, installation)
    if redis.call('EXISTS', key('dead', mailbox)) == 0 then redis.call('DEL', box) end
  end
  return waiting
end

local function land(mailbox)
  for _, member in ipairs(members_in_flight(mailbox)) do
    redis.call('SREM', key('flight'), string.sub(member, 2))
  end
  redis.call('HDEL', key('box', mailbox), 'flight')
end

local function give_back(mailbox, installation, margin)
  land(mailbox)
  redis.call('HDEL', key('box', mailbox), 'owner', 'until')
  return tidy(mailbox, installation, margin)
end

local function hold(mailbox, installation, owner, lease)
  local ends = now + lease
  redis.call('HSET', key('box', mailbox), 'owner', owner, 'until', ends)
  schedule(mailbox, installation, ends, ends)
end

local function answer(what, mailbox, installation, members)
  local ids = {}
  for n, member in ipairs(members) do ids[n] = string.sub(member, 2) end
  local records, bodies = {}, {}
  if #ids > 0 then
    records = redis.call('HMGET', key('records'), unpack(ids))
    bodies = redis.call('HMGET', key('bodies'), unpack(ids))
  end
  return {what, now, mailbox, installation, redis.call('HGET', key('names'), installation), members, records, bodies}
end

-- How many workers have died over an event.
local function crashes(id)
  return cjson.decode(redis.call('HGET', key('records'), id)).x or 0
end

-- Takes the head of a mailbox that the caller may hold: a row of updates (`u`), or one event of another kind. What was
-- tried before is taken just as it was; but by itself, if `worn` workers have died over it.
local function take(mailbox, installation, owner, lease, most, worn)
  local box, members, again, single = key('box', mailbox), {}, false, false
  local tried = redis.call('HGET', box, 'tried')
  for n, member in ipairs(redis.call('ZRANGE', key('queue', mailbox), 0, most - 1)) do
    local id, update = string.sub(member, 2), string.sub(member, 1, 1) == 'u'
    if n == 1 then
      again = tried and id <= tried
      single = not update or crashes(id) >= tonumber(worn)
    elseif single or not update or (again and id > tried) then
      break
    end
    members[n] = member
  end
  hold(mailbox, installation, owner, lease)
  redis.call('HSET', box, 'flight', table.concat(members, ' '))
  for _, member in ipairs(members) do redis.call('SADD', key('flight'), string.sub(member, 2)) end
  return answer('taken', mailbox, installation, members)
end

-- Erases all that is kept of an event. If it is in flight, whoever applies it settles nothing any more.
local function erase(id, margin)
  local text = redis.call('HGET', key('records'), id)
  if not text then return false end
  local record = cjson.decode(text)
  local mailbox, installation = record.m, record.i
  local box, queue = key('box', mailbox), key('queue', mailbox)
  redis.call('HDEL', key('records'), id)
  redis.call('HDEL', key('bodies'), id)
  if record.d and redis.call('HGET', key('delivered'), record.d) == id then
    redis.call('HDEL', key('delivered'), record.d)
  end
  for _, state in ipairs({'waiting', 'failed', 'applied'}) do
    strike(state, installation, id)
    redis.call('ZREM', key('settled', state), id)
  end
  redis.call('SREM', key('dead', mailbox), id)
  redis.call('ZREM', key('contacts'), record.c .. id)
  local first = redis.call('ZRANGE', queue, 0, 0)[1]
  redis.call('ZREM', queue, 'u' .. id, 'd' .. id)
  if redis.call('SISMEMBER', key('flight'), id) == 1 then
    land(mailbox)
    redis.call('HDEL', box, 'owner', 'until')
  end
  if redis.call('HEXISTS', box, 'owner') == 0 then
    if first and string.sub(first, 2) == id then redis.pcall('HSET', box, 'ready', now) end
    tidy(mailbox, installation, margin)
  end
  if redis.call('EXISTS', key('waiting', installation), key('failed', installation), key('applied', installation)) == 0
  then
    redis.call('HDEL', key('names'), installation)
  end
  return record
end
