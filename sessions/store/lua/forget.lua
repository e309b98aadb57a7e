-- Drops a closed conversation that stands in SQL now. KEYS[1] prefix
-- ARGV: 1 session id, 2 rev it was archived at
-- Result: "ok" | "changed" (archive it again) | "busy" (a message of it is still to be sent)
local sid = ARGV[1]
local s = k('session', sid)
local is = redis.call('HMGET', s, 'rev', 'openid')
if not is[1] then
  redis.call('ZREM', k('closed'), sid)
  return 'ok'
end
if is[1] ~= ARGV[2] then return 'changed' end
if redis.call('EXISTS', k('outbox', is[2]), k('claim', is[2])) > 0 then return 'busy' end
redis.call('DEL', s, k('messages', sid), k('overlay', sid), k('client_ids', sid), k('card', sid))
redis.call('ZREM', k('closed'), sid)
return 'ok'
