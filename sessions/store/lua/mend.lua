-- Puts one place right, if its conversation is still as it was when that was found wrong. KEYS[1] prefix
-- ARGV: 1 session id, 2 its version ("" = no such conversation), 3 command JSON [name, key, argument…]
-- Result: "ok" | "conflict"; setting and removing may be repeated
local now_is = redis.call('HGET', k('session', ARGV[1]), 'version') or ''
if now_is ~= ARGV[2] then return 'conflict' end
redis.call(unpack(cjson.decode(ARGV[3])))
return 'ok'
