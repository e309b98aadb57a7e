-- Nothing may be sent any more: none left, and with `closed` no window either.
local function empty_budget(openid, closed)
  local c = k('customer', openid)
  for _, trigger in ipairs(TRIGGERS) do
    if trigger == 'message' or redis.call('HEXISTS', c, trigger .. '.ends') == 1 then
      redis.call('HSET', c, trigger .. '.left', '0')
      if closed then redis.call('HSET', c, trigger .. '.ends', '0') end
    end
  end
end

-- Takes note of what a push says of following: "0" left, "1" follows, "word" as only a follower can, "" nothing.
-- Pushes come late and in any order; `created` is the platform's own second. What is older than the last act, or than
-- the last leaving, is history: then false, and neither following nor budget may change. Acts of one second happened in
-- the order in which they came, as nothing else tells them apart.
local function following(openid, says, created)
  if says == '' then return true end
  local c = k('customer', openid)
  local is = redis.call('HMGET', c, 'acted_s', 'left_s', 'subscribed')
  local acted, left = tonumber(is[1] or '0'), tonumber(is[2] or '0')
  if created < left or (says == '0' and created < acted) then return false end
  if says == '0' then
    redis.call('HSET', c, 'left_s', int(created), 'subscribed', '0')
    empty_budget(openid, true)
    return true
  end
  if created > acted then redis.call('HSET', c, 'acted_s', int(created)) end
  if says == '1' or is[3] == '0' then redis.call('HSET', c, 'subscribed', '1') end
  return true
end

-- WeChat delivers again 5 s after it began at the earliest, so what comes sooner and again says "follows", after a leaving
-- of the same second, is another following and no repetition.
local SOONEST_REPEAT_MS = 4000
local function followed_again(dup, openid, says, created)
  if says ~= '1' then return false end
  local is = redis.call('HMGET', k('customer', openid), 'left_s', 'subscribed')
  if is[2] ~= '0' or tonumber(is[1] or '0') ~= created then return false end
  return OUTCOME_TTL_S * 1000 - redis.call('PTTL', k('duplicate', dup)) < SOONEST_REPEAT_MS
end
