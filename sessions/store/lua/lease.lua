-- Renews or drops presence leases of one holder (a node, or the agent's own heartbeat). KEYS[1] prefix
-- ARGV: 1 request JSON: renew [member…], drop [member…], ttl_ms; members are "<kf_account>|<holder>"
-- Result: "ok"; naturally repeatable
local r = cjson.decode(ARGV[1])
local ends = int(now_ms() + r.ttl_ms)
for _, member in ipairs(r.renew) do redis.call('ZADD', k('leases'), ends, member) end
for _, member in ipairs(r.drop) do redis.call('ZREM', k('leases'), member) end
return 'ok'
