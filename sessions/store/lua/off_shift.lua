-- Schedule the end of an agent's shift; from now on they get no new conversations. KEYS[1] prefix
-- ARGV: 1 kf_account, 2 ms from now ("" cancels it), 3 notes JSON for the next agents
-- Result: {"ok"|"unknown"|"offline", end ms or 0}; asked again it is a new end
local kf, a = ARGV[1], k('agent', ARGV[1])
local status = redis.call('HGET', a, 'status')
if not status then return { 'unknown', 0 } end
local ends = 0
if ARGV[2] == '' then
  redis.call('HDEL', a, 'off_shift_ms', 'off_shift_notes')
  redis.call('ZREM', k('off_shift'), kf)
else
  if status == 'offline' then return { 'offline', 0 } end
  ends = now_ms() + tonumber(ARGV[2])
  redis.call('HSET', a, 'off_shift_ms', int(ends), 'off_shift_notes', ARGV[3])
  redis.call('ZADD', k('off_shift'), int(ends), kf)
end
mark(kf)
tell('presence.changed', kf, '', { 'status', status, 'off_shift_ms', int(ends) })
return { 'ok', ends }
