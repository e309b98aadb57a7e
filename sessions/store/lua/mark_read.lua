-- The owner has seen the conversation. KEYS[1] prefix
-- ARGV: 1 session id, 2 kf_account
-- Result: "ok" | "gone" | "not_owner"; setting a count to zero may be repeated
local sid, kf = ARGV[1], ARGV[2]
local is = redis.call('HMGET', k('session', sid), 'kf_account', 'unread', 'group')
if not is[1] then return redis.call('EXISTS', k('session', sid)) == 1 and 'not_owner' or 'gone' end
if is[1] ~= kf then return 'not_owner' end
if is[2] and is[2] ~= '0' then
  redis.call('HSET', k('session', sid), 'unread', '0')
  tell('session.updated', kf, is[3], nil, sid)
end
return 'ok'
