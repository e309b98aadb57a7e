-- Takes, renews or gives up a node's place on this Redis. A node that is alone shares it with none.
-- KEYS: 1 places (zset: "<node>|<boot>|alone" or "…|many" -> end ms)
-- ARGV: 1 whose place, 2 for how long in ms, "0" = gives it up
-- Result: {} | {whose place excludes it (the one that lasts longest), ms left}; repeating it changes nothing
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  return {}
end

local function alone(place) return string.sub(place, -6) == '|alone' end
local places = redis.call('ZREVRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #places, 2 do
  local other = places[i]
  if other ~= ARGV[1] and (alone(other) or alone(ARGV[1])) then
    return { other, math.floor(tonumber(places[i + 1]) - now) }
  end
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
return {}
