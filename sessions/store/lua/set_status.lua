-- An agent's intent: online, away or offline; last writer wins; online and offline end "off shift soon". KEYS[1] prefix
-- ARGV: 1 kf_account, 2 status, 3 "1" = refuse offline while conversations are held, 4 "1" = only if their shift is over
-- Result: {"ok"|"busy"|"unknown"|"later", number of conversations held}; setting the same status again changes nothing
local kf, status = ARGV[1], ARGV[2]
if redis.call('EXISTS', k('agent', kf)) == 0 then return { 'unknown', 0 } end
local held = redis.call('SCARD', k('seats', kf))
if status == 'offline' and ARGV[3] == '1' and held > 0 then return { 'busy', held } end
if ARGV[4] == '1' and tonumber(redis.call('ZSCORE', k('off_shift'), kf) or 'inf') > now_ms() then return { 'later', held } end
local was = redis.call('HGET', k('agent', kf), 'status')
redis.call('HSET', k('agent', kf), 'status', status)
if status == 'online' and was ~= status then
  redis.call('HDEL', k('agent', kf), 'off_shift_notes')
  if was == 'offline' then redis.call('HSET', k('agent', kf), 'online_ms', int(now_ms())) end
end
if status ~= 'away' then
  redis.call('HDEL', k('agent', kf), 'off_shift_ms')
  redis.call('ZREM', k('off_shift'), kf)
end
if status == 'offline' then
  redis.call('SREM', k('duty'), kf)
  redis.call('ZREM', k('absent'), kf)
else
  redis.call('SADD', k('duty'), kf)
end
mark(kf)
if was ~= status then tell('presence.changed', kf, '', { 'status', status }) end
return { 'ok', held }
