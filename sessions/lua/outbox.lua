-- Ends one send: status on the message, budget, dead letter, the desk told, the next head set free.
local function finish(openid, item, overlay, verdict, dead, now)
  local sid, seq, _, trigger = string.match(item, '^(%S+) (%d+) (%d+) (%S+)$')
  redis.call('DEL', k('claim', openid))
  settle_budget(openid, trigger, verdict)
  if dead then redis.call('ZADD', k('dead'), int(now), sid .. '.' .. seq) end
  local is = redis.call('HMGET', k('session', sid), 'kf_account', 'transfer_to', 'group')
  local message = redis.call('LINDEX', k('messages', sid), tonumber(seq) - 1)
  if message then
    redis.call('HSET', k('overlay', sid), seq, overlay)
    redis.call('HINCRBY', k('session', sid), 'rev', 1)
    tell('message.updated', (is[1] or '') .. ',' .. (is[2] or ''), is[3], { 'm', message, 'o', overlay }, sid)
  end
  if redis.call('LLEN', k('outbox', openid)) > 0 then
    redis.call('ZADD', k('outbox_due'), int(now), openid)
  else
    redis.call('ZREM', k('outbox_due'), openid)
  end
end
