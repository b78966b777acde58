-- Counts: those that wait or are in flight, those in flight, the dead letters; and gives the record of the oldest that
-- is not settled.
local oldest = redis.call('ZRANGE', key('waiting'), 0, 0)[1]
return {
  redis.call('ZCARD', key('waiting')),
  redis.call('SCARD', key('flight')),
  redis.call('ZCARD', key('failed')),
  oldest and redis.call('HGET', key('records'), oldest) or '',
}
