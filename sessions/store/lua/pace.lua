-- How long conversations of a group hold a seat, and what that means for who waits.
-- The mean follows the last ones: the first ten count alike, then each new one counts a tenth.
local function measure(group, seated_ms, now)
  if group == '' or seated_ms <= 0 or now <= seated_ms then return end
  local is = redis.call('HMGET', k('handling'), group .. ':ms', group .. ':n')
  local mean, n = tonumber(is[1] or '0'), tonumber(is[2] or '0') + 1
  mean = mean + (now - seated_ms - mean) / math.min(n, 10)
  redis.call('HSET', k('handling'), group .. ':ms', int(mean), group .. ':n', int(n))
end

-- Place from 1 and minutes to be expected with so many seats; 0 where it is not known.
local function place(group, sid, seats)
  local rank = redis.call('ZRANK', k('queue', group), sid)
  if not rank then return 0, 0 end
  local mean = tonumber(redis.call('HGET', k('handling'), group .. ':ms') or '0')
  if mean <= 0 or seats <= 0 then return rank + 1, 0 end
  return rank + 1, math.max(1, math.ceil((rank + 1) * mean / seats / 60000))
end

-- What led the customer here, for the routing rules.
local function remember_source(openid, source, now)
  if source ~= '' then redis.call('HSET', k('customer', openid), 'source', source, 'source_ms', int(now)) end
end
