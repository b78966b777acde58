"""The scripts that make every write one step and one round trip.

What is kept for an installation lies under one `{hash tag}`, so that a cluster has it in one place:

    …:b  hash          Botmatic id → external id, and the pair's baseline
    …:e  hash          external id → Botmatic id
    …:r  hash          name of a record → its value
    …:t  sorted set    tombstones: `b` or `e` and the id, by the millisecond at which they end; it ends with the last
    …:l:<digest>       a lease that is held: its owner; it ends with the lease
    …:c  hash          what is claimed → its owner
    …:x  sorted set    what is claimed, by the millisecond at which it ends; both end with the last

A pair without a baseline is its external id alone. Otherwise it begins with a byte that no text begins with, and that
says where the baseline begins, so that a baseline adds one byte and itself:

    128 + n    n bytes of external id (1 to 62), the baseline
    191        four bytes: the length of the external id; the external id, the baseline
    245 + n    n bytes: the external id as a number (1 to 14 digits, no zero in front); the baseline

What is claimed is `b` or `e` and an id, or `g` and the digest of a guard.

The field whose name is empty holds the format of a hash: an id is never empty. A hash without anything else goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final

FORMAT: Final = b"1"
"""What this release reads and writes. Another in a hash means that a later release wrote it."""

UNKNOWN_FORMAT: Final = "FORMAT"
"""The code of the error that a script answers when it meets another format."""


@dataclass(frozen=True)
class Script:
    """A Lua script and the name under which a server remembers it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", sha1(self.text.encode(), usedforsecurity=False).hexdigest())


CHECKS: Final = """
local function unknown(key)
  local format = redis.call('HGET', key, '')
  return format and format ~= ARGV[1]
end
local refusal = redis.error_reply('FORMAT another format')
local function drop_if_empty(...)
  for _, key in ipairs({...}) do
    if redis.call('HLEN', key) == 1 then redis.call('DEL', key) end
  end
end
"""

NOW: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

READING: Final = """
local function opened(value)
  if not value then return false, false end
  local head = string.byte(value)
  if head < 128 or (head > 191 and head < 245) then return value, false end
  if head > 244 then
    local size = head - 245
    return string.format('%.0f', (struct.unpack('>I' .. size, value, 2))), string.sub(value, size + 2)
  end
  local size, start = head - 128, 2
  if head == 191 then size, start = struct.unpack('>I4', value, 2), 6 end
  return string.sub(value, start, start + size - 1), string.sub(value, start + size)
end
"""

# Ended tombstones go a few at a time, more than are put, so that no call takes long.
WRITING: Final = (
    CHECKS
    + NOW
    + READING
    + """
local b, e, t = KEYS[1], KEYS[2], KEYS[3]
if unknown(b) then return refusal end
local function closed(external, baseline)
  if not baseline then return external end
  if #external < 15 and string.find(external, '^[1-9]%d*$') then
    local number, size, room = tonumber(external), 1, 256
    while number >= room do size, room = size + 1, room * 256 end
    return string.char(245 + size) .. struct.pack('>I' .. size, number) .. baseline
  end
  if #external < 63 then return string.char(128 + #external) .. external .. baseline end
  return string.char(191) .. struct.pack('>I4', #external) .. external .. baseline
end
local function save(botmatic, external, baseline)
  local former_external, former_baseline = opened(redis.call('HGET', b, botmatic))
  if former_external ~= external then
    local former_botmatic = redis.call('HGET', e, external)
    if former_external then redis.call('HDEL', e, former_external) end
    if former_botmatic then redis.call('HDEL', b, former_botmatic) end
    redis.call('HSET', b, botmatic, closed(external, baseline), '', ARGV[1])
    redis.call('HSET', e, external, botmatic, '', ARGV[1])
  elseif baseline and baseline ~= former_baseline then
    redis.call('HSET', b, botmatic, closed(external, baseline))
  end
  redis.call('ZREM', t, 'b' .. botmatic, 'e' .. external)
end
local function remove(botmatic, external)
  if botmatic == '' then return 0 end
  local former = opened(redis.call('HGET', b, botmatic))
  if former ~= external then return 0 end
  redis.call('HDEL', b, botmatic)
  redis.call('HDEL', e, external)
  drop_if_empty(b, e)
  return 1
end
local function bury(botmatic, external, milliseconds)
  local removed = remove(botmatic, external)
  if botmatic ~= '' then redis.call('ZADD', t, now + milliseconds, 'b' .. botmatic) end
  if external ~= '' then redis.call('ZADD', t, now + milliseconds, 'e' .. external) end
  local ended = redis.call('ZRANGEBYSCORE', t, '-inf', now, 'LIMIT', 0, 50)
  if #ended > 0 then redis.call('ZREM', t, unpack(ended)) end
  redis.call('PEXPIREAT', t, redis.call('ZREVRANGE', t, 0, 0, 'WITHSCORES')[2])
  return removed
end
"""
)

# KEYS: b e t; ARGV: format, then Botmatic id and external id of each pair
SAVE: Final = Script(WRITING + "for i = 2, #ARGV, 2 do save(ARGV[i], ARGV[i + 1], false) end return 1")

# KEYS: b e t; ARGV: format, then Botmatic id, external id and baseline of each pair
SAVE_BASELINES: Final = Script(WRITING + "for i = 2, #ARGV, 3 do save(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end return 1")

# KEYS: b e t; ARGV: format, Botmatic id, external id
DELETE: Final = Script(WRITING + "return remove(ARGV[2], ARGV[3])")

# KEYS: b e t; ARGV: format, Botmatic id or '', external id or '', milliseconds
BURY: Final = Script(WRITING + "return bury(ARGV[2], ARGV[3], ARGV[4])")

# KEYS: t; ARGV: `b` or `e` and the id
IS_BURIED: Final = Script(
    NOW
    + """
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
return ends and tonumber(ends) > now and 1 or 0
"""
)

# KEYS: b; ARGV: format
COUNT: Final = Script(
    CHECKS
    + """
if unknown(KEYS[1]) then return refusal end
return math.max(redis.call('HLEN', KEYS[1]) - 1, 0)
"""
)

# KEYS: b e t r c x; ARGV: format
FORGET: Final = Script(
    CHECKS
    + """
if unknown(KEYS[1]) or unknown(KEYS[4]) then return refusal end
return redis.call('UNLINK', unpack(KEYS))
"""
)

# KEYS: r; ARGV: format, name, value
PUT_RECORD: Final = Script(
    CHECKS
    + """
if unknown(KEYS[1]) then return refusal end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3], '', ARGV[1])
return 1
"""
)

# KEYS: r; ARGV: format, name
DELETE_RECORD: Final = Script(
    CHECKS
    + """
if unknown(KEYS[1]) then return refusal end
local removed = redis.call('HDEL', KEYS[1], ARGV[2])
drop_if_empty(KEYS[1])
return removed
"""
)

# KEYS: the leases; ARGV: owner, milliseconds
ACQUIRE: Final = Script(
    """
for _, lease in ipairs(KEYS) do
  local holder = redis.call('GET', lease)
  if holder and holder ~= ARGV[1] then return 0 end
end
for _, lease in ipairs(KEYS) do redis.call('SET', lease, ARGV[1], 'PX', ARGV[2]) end
return 1
"""
)

# KEYS: the leases; ARGV: owner, milliseconds
RENEW: Final = Script(
    """
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) ~= ARGV[1] then return 0 end
end
for _, lease in ipairs(KEYS) do redis.call('PEXPIRE', lease, ARGV[2]) end
return 1
"""
)

# KEYS: the leases; ARGV: owner
RELEASE: Final = Script(
    """
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[1] then redis.call('DEL', lease) end
end
return 1
"""
)
