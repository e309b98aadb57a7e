-- Pays for one message that belongs to no conversation (a greeting). KEYS[1] prefix
-- ARGV: 1 operation id, 2 openid, 3 replies that must be left
-- Result: "ok" | "none"
local op, openid = ARGV[1], ARGV[2]
local known = recall(op)
if known then return 'none' end
local left, trigger = replies_left(openid, now_ms())
if left < tonumber(ARGV[3]) or not trigger then return remember(op, 'none') end
redis.call('HINCRBY', k('customer', openid), trigger .. '.left', -1)
return remember(op, 'ok')
