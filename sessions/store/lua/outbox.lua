-- An item of the outbox: "<session> <seq> <attempts> <trigger>"; sent in order per customer.
local function post(openid, session_id, seq, trigger, now)
  redis.call('RPUSH', k('outbox', openid), session_id .. ' ' .. int(seq) .. ' 0 ' .. trigger)
  redis.call('ZADD', k('outbox_due'), 'NX', int(now), openid)
end

-- verdict: 'spent', 'returned' (the platform surely did not take it), 'none_left' (45047), 'closed' (45015)
local function settle_budget(openid, trigger, verdict, now)
  local c, name = k('customer', openid), budget_of(trigger)
  if budgets(openid, now)[name].pend > 0 then redis.call('HINCRBY', c, name .. '.pend', -1) end
  if verdict == 'returned' then redis.call('HINCRBY', c, name .. '.left', 1) end
  if verdict == 'none_left' or verdict == 'closed' then empty_budget(openid, verdict == 'closed') end
end

-- Ends one send: status on the message, budget, dead letter, the desk told, the next head set free.
local function finish(openid, item, overlay, verdict, dead, now)
  local sid, seq, _, trigger = string.match(item, '^(%S+) (%d+) (%d+) (%S+)$')
  redis.call('DEL', k('claim', openid))
  settle_budget(openid, trigger, verdict, now)
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
