-- Takes the head of one customer's outbox, only to send it now. KEYS[1] prefix
-- ARGV: 1 token (operation id), 2 lease ms, 3 overlay of a message whose claim ran out
-- Result: {} nothing due | {openid, item, message JSON, overlay JSON or "", kf_account of the conversation}
local token = ARGV[1]
local known = recall(token)
if known then return cjson.decode(known) end
local now = now_ms()
local due = redis.call('ZRANGEBYSCORE', k('outbox_due'), '-inf', int(now), 'LIMIT', 0, 1)
local openid = due[1]
if not openid then return {} end

local ran_out = redis.call('HGET', k('claim', openid), 'item')
if ran_out then finish(openid, ran_out, ARGV[3], 'none', true, now) end
local item = redis.call('LPOP', k('outbox', openid))
if not item then
  redis.call('ZREM', k('outbox_due'), openid)
  return {}
end
redis.call('HSET', k('claim', openid), 'token', token, 'item', item)
redis.call('ZADD', k('outbox_due'), int(now + tonumber(ARGV[2])), openid)
local sid, seq = string.match(item, '^(%S+) (%d+)')
local result = { openid, item, redis.call('LINDEX', k('messages', sid), tonumber(seq) - 1) or '',
  redis.call('HGET', k('overlay', sid), seq) or '', redis.call('HGET', k('session', sid), 'kf_account') or '' }
remember(token, cjson.encode(result))
return result
