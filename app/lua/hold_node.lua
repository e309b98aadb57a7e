-- Takes, renews or gives up the lease of the only node; whoever else holds it keeps it.
-- KEYS: 1 lease
-- ARGV: 1 who asks, 2 how long in ms, "0" = gives up
-- Result: {who holds it after this, ms left}; repeating it changes nothing
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return { holder, redis.call('PTTL', KEYS[1]) } end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return { ARGV[1], tonumber(ARGV[2]) }
