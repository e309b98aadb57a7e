-- Who is on duty but not present. KEYS[1] prefix; ARGV: 1 present kf_accounts, JSON list
-- Result: flat list kf_account, since ms (absent ones); repeating it changes nothing more
local present = {}
for _, kf in ipairs(cjson.decode(ARGV[1])) do present[kf] = true end
local now = now_ms()
local leases = redis.call('ZRANGEBYSCORE', k('leases'), '(' .. int(now), '+inf')
for _, member in ipairs(leases) do present[string.match(member, '^([^|]+)|')] = true end
redis.call('ZREMRANGEBYSCORE', k('leases'), '-inf', int(now))
local absent = {}
for _, kf in ipairs(redis.call('SMEMBERS', k('duty'))) do
  if present[kf] then
    redis.call('ZREM', k('absent'), kf)
  else
    redis.call('ZADD', k('absent'), 'NX', int(now), kf)
    absent[#absent + 1] = kf
    absent[#absent + 1] = int(now - tonumber(redis.call('ZSCORE', k('absent'), kf)))
  end
end
return absent
