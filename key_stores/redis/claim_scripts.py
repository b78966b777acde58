"""The scripts that claim contacts, and record what was done with them: each one step and one round trip."""

from __future__ import annotations

from typing import Final

from key_stores.redis.scripts import CHECKS, NOW, READING, WRITING, Script

# Who holds what; `keep` also lets both keys end with the last claim, so that nothing is left of who crashed.
_HOLDING: Final = """
local function holder(c, x, lease)
  local ends = redis.call('ZSCORE', x, lease)
  return ends and tonumber(ends) > now and redis.call('HGET', c, lease)
end
local function keep(c, x, leases, owner, milliseconds)
  for _, lease in ipairs(leases) do
    redis.call('HSET', c, lease, owner)
    redis.call('ZADD', x, now + milliseconds, lease)
  end
  if #leases > 0 then
    local last = redis.call('ZREVRANGE', x, 0, 0, 'WITHSCORES')[2]
    redis.call('PEXPIREAT', c, last)
    redis.call('PEXPIREAT', x, last)
  end
end
local function give_back(c, x, lease)
  redis.call('HDEL', c, lease)
  redis.call('ZREM', x, lease)
end
"""

# KEYS: b e t c x; ARGV: format, owner, milliseconds, then of each contact: `b` or `e`, id, number of guards, guards
# Answers the leases, and of each contact: the other id, the baseline, whether it is buried; nothing if one is held.
# Ended claims go a few at a time, more than are put, so that no call takes long.
CLAIM: Final = Script(
    CHECKS
    + NOW
    + READING
    + _HOLDING
    + """
local b, e, t, c, x = unpack(KEYS)
if unknown(b) then return refusal end
local owner, leases, seen, known = ARGV[2], {}, {}, {}
local function want(lease)
  if not seen[lease] then
    seen[lease] = true
    leases[#leases + 1] = lease
  end
end
local i = 4
while i <= #ARGV do
  local side, id, guards = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local other, baseline = false, false
  want(side .. id)
  if side == 'b' then
    other, baseline = opened(redis.call('HGET', b, id))
    if other then want('e' .. other) end
  else
    other = redis.call('HGET', e, id)
    if other then
      local _
      _, baseline = opened(redis.call('HGET', b, other))
      want('b' .. other)
    end
  end
  if not other then
    for guard = i + 3, i + 2 + guards do want('g' .. ARGV[guard]) end
  end
  local ends = redis.call('ZSCORE', t, side .. id)
  known[#known + 1] = other
  known[#known + 1] = baseline
  known[#known + 1] = ends and tonumber(ends) > now and 1 or 0
  i = i + 3 + guards
end
for _, lease in ipairs(leases) do
  local held_by = holder(c, x, lease)
  if held_by and held_by ~= owner then return false end
end
for _, ended in ipairs(redis.call('ZRANGEBYSCORE', x, '-inf', now, 'LIMIT', 0, #leases + 10)) do
  give_back(c, x, ended)
end
keep(c, x, leases, owner, ARGV[3])
return {leases, known}
"""
)

_ALL_HELD: Final = """
local function all_held(c, x, leases, owner)
  for _, lease in ipairs(leases) do
    if holder(c, x, lease) ~= owner then return false end
  end
  return true
end
"""

# KEYS: c x; ARGV: owner, milliseconds, the leases
RENEW_CLAIM: Final = Script(
    NOW
    + _HOLDING
    + _ALL_HELD
    + """
local leases = {}
for i = 3, #ARGV do leases[#leases + 1] = ARGV[i] end
if not all_held(KEYS[1], KEYS[2], leases, ARGV[1]) then return 0 end
keep(KEYS[1], KEYS[2], leases, ARGV[1], ARGV[2])
return 1
"""
)

# KEYS: b e t c x; ARGV: format, owner, 1 to give the leases back, number of leases, the leases, four of each write:
# `save`, the ids, the baseline behind a `=` or nothing; `remove`, the ids, ''; `bury`, the ids or '', milliseconds
RECORD: Final = Script(
    WRITING
    + _HOLDING
    + _ALL_HELD
    + """
local c, x, owner, leases = KEYS[4], KEYS[5], ARGV[2], {}
local last = 4 + ARGV[4]
for i = 5, last do leases[#leases + 1] = ARGV[i] end
local held = all_held(c, x, leases, owner)
if held then
  for i = last + 1, #ARGV, 4 do
    local what, botmatic, external, rest = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    if what == 'save' then save(botmatic, external, rest ~= '' and string.sub(rest, 2)) end
    if what == 'remove' then remove(botmatic, external) end
    if what == 'bury' then bury(botmatic, external, rest) end
  end
end
if ARGV[3] == '1' then
  for _, lease in ipairs(leases) do
    if redis.call('HGET', c, lease) == owner then give_back(c, x, lease) end
  end
end
return held and 1 or 0
"""
)
