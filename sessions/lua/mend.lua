-- Puts one place right, if its conversation is still as it was when that was found wrong. KEYS[1] prefix
-- ARGV: 1 session id, 2 its version ("" = no such conversation), 3 commands JSON [[name, key name, ident, argument…]…]
-- Result: "ok" | "conflict"; setting and removing may be repeated
local now_is = redis.call('HGET', k('session', ARGV[1]), 'version') or ''
if now_is ~= ARGV[2] then return 'conflict' end
for _, c in ipairs(cjson.decode(ARGV[3])) do redis.call(c[1], k(c[2], c[3]), unpack(c, 4)) end
return 'ok'
