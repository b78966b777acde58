-- Takes an event out that waits or has failed. ARGV: id, margin. Answers `none`, `flight`, `applied`, or `dropped`.
local id = ARGV[1]
if redis.call('HEXISTS', key('records'), id) == 0 then return 'none' end
if redis.call('SISMEMBER', key('flight'), id) == 1 then return 'flight' end
if redis.call('ZSCORE', key('applied'), id) then return 'applied' end
erase(id, ARGV[2])
return 'dropped'
