-- Whether an agent may be given one more conversation, and the timers of one that is seated.

-- His seats at this moment: they grow from one while he has just come online (ramp_ms).
local function seats_now(limit, ramp_ms, online_ms)
  if ramp_ms <= 0 then return limit end
  local share = math.min(1, math.max(0, (now_ms() - online_ms) / ramp_ms))
  return math.max(math.min(1, limit), math.floor(limit * share))
end

local function has_room(kf)
  local agent = redis.call('HMGET', k('agent', kf), 'status', 'enabled', 'seats', 'off_shift_ms', 'ramp_ms', 'online_ms')
  if agent[1] ~= 'online' or agent[2] ~= '1' or (agent[4] or '0') ~= '0' then return false end
  local seats = seats_now(tonumber(agent[3] or '0'), tonumber(agent[5] or '0'), tonumber(agent[6] or '0'))
  return redis.call('SCARD', k('seats', kf)) < seats
end

-- timers: name -> ms from now
local function arm(session_id, timers, now)
  for name, ms in pairs(timers) do redis.call('ZADD', k('timers'), int(now + ms), session_id .. ':' .. name) end
end
