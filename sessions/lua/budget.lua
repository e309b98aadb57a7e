-- Reply budgets of a customer: hash fields <trigger>.left, .ends (ms), .pend (spent, not yet settled).
local TRIGGERS = { 'message', 'menu', 'follow', 'scan' }

local function refill(openid, trigger, limit, window_ms, now)
  local c = k('customer', openid)
  local pending = tonumber(redis.call('HGET', c, trigger .. '.pend') or '0')
  redis.call('HSET', c, trigger .. '.left', int(math.max(0, limit - pending)), trigger .. '.ends', int(now + window_ms))
end

-- Replies left over all live buckets, the bucket that ends first, and whether any window is open.
local function replies_left(openid, now)
  local fields = {}
  for _, trigger in ipairs(TRIGGERS) do
    fields[#fields + 1] = trigger .. '.left'
    fields[#fields + 1] = trigger .. '.ends'
  end
  local is = redis.call('HMGET', k('customer', openid), unpack(fields))
  local left, first, first_ends, open = 0, nil, nil, false
  for i, trigger in ipairs(TRIGGERS) do
    local n, ends = tonumber(is[2 * i - 1] or '0'), tonumber(is[2 * i] or '0')
    if ends > now then
      open = true
      left = left + n
      if n > 0 and (not first or ends < first_ends) then first, first_ends = trigger, ends end
    end
  end
  return left, first, open
end

local function spend(openid, trigger)
  redis.call('HINCRBY', k('customer', openid), trigger .. '.left', -1)
  redis.call('HINCRBY', k('customer', openid), trigger .. '.pend', 1)
end

-- verdict: 'spent', 'returned' (the platform surely did not take it), 'none_left' (45047), 'closed' (45015)
local function settle_budget(openid, trigger, verdict)
  local c = k('customer', openid)
  if tonumber(redis.call('HGET', c, trigger .. '.pend') or '0') > 0 then
    redis.call('HINCRBY', c, trigger .. '.pend', -1)
  end
  if verdict == 'returned' then redis.call('HINCRBY', c, trigger .. '.left', 1) end
  if verdict == 'none_left' or verdict == 'closed' then
    for _, name in ipairs(TRIGGERS) do redis.call('HSET', c, name .. '.left', '0') end
  end
  if verdict == 'closed' then
    for _, name in ipairs(TRIGGERS) do redis.call('HSET', c, name .. '.ends', '0') end
  end
end

-- An item of the outbox: "<session> <seq> <attempts> <trigger>"; sent in order per customer.
local function post(openid, session_id, seq, trigger, now)
  redis.call('RPUSH', k('outbox', openid), session_id .. ' ' .. int(seq) .. ' 0 ' .. trigger)
  redis.call('ZADD', k('outbox_due'), 'NX', int(now), openid)
end
