-- Reply budgets of a customer: hash fields <trigger>.left, .ends (ms), .pend (spent, not yet settled).
-- Under the rule "max" there is one of them, named 'message': an act raises what is left to its limit and the window
-- to its own. Under "sum" each trigger has its own and all that are live count together.
local RULE = 'BUDGET_RULE'
local TRIGGERS = { 'message', 'menu', 'follow', 'scan' }
local BUDGET_FIELDS = { 'message.left', 'message.ends', 'message.pend', 'menu.left', 'menu.ends', 'menu.pend',
  'follow.left', 'follow.ends', 'follow.pend', 'scan.left', 'scan.ends', 'scan.pend' }
local function budget_of(trigger) return RULE == 'sum' and trigger or 'message' end

-- By trigger {left, ends, pend}. Under "max" what another rule or an older version left is merged into one, once.
local function budgets(openid, now)
  local c = k('customer', openid)
  local is, all, others = redis.call('HMGET', c, unpack(BUDGET_FIELDS)), {}, {}
  for i, trigger in ipairs(TRIGGERS) do
    local n = 3 * i - 2
    all[trigger] = { left = tonumber(is[n] or '0'), ends = tonumber(is[n + 1] or '0'), pend = tonumber(is[n + 2] or '0') }
    if trigger ~= 'message' and (is[n + 1] or is[n + 2]) then others[#others + 1] = trigger end
  end
  if RULE == 'sum' or #others == 0 then return all end
  local one = all.message
  if one.ends <= now then one.left = 0 end
  for _, trigger in ipairs(others) do
    local more = all[trigger]
    if more.ends > now then one.left, one.ends = math.max(one.left, more.left), math.max(one.ends, more.ends) end
    one.pend = one.pend + more.pend
    redis.call('HDEL', c, trigger .. '.left', trigger .. '.ends', trigger .. '.pend')
  end
  redis.call('HSET', c, 'message.left', int(one.left), 'message.ends', int(one.ends), 'message.pend', int(one.pend))
  return { message = one }
end

local function refill(openid, trigger, limit, window_ms, now)
  local name = budget_of(trigger)
  local is = budgets(openid, now)[name]
  local left, ends = math.max(0, limit - is.pend), now + window_ms
  if RULE ~= 'sum' and is.ends > now then left, ends = math.max(is.left, left), math.max(is.ends, ends) end
  redis.call('HSET', k('customer', openid), name .. '.left', int(left), name .. '.ends', int(ends))
end

-- Replies left in all live windows, the trigger whose window ends first, and whether any is open.
local function replies_left(openid, now)
  local all, left, first, first_ends, open = budgets(openid, now), 0, nil, nil, false
  for _, trigger in ipairs(TRIGGERS) do
    local is = all[trigger]
    if is and is.ends > now then
      left, open = left + is.left, true
      if is.left > 0 and (not first or is.ends < first_ends) then first, first_ends = trigger, is.ends end
    end
  end
  return left, first, open
end

local function spend(openid, trigger)
  redis.call('HINCRBY', k('customer', openid), trigger .. '.left', -1)
  redis.call('HINCRBY', k('customer', openid), trigger .. '.pend', 1)
end
