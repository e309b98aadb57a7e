-- Whether an agent may be given one more conversation, and the timers of one that is seated.

-- The agent's seats now: they grow from one while the agent has just come online (ramp_ms).
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
  local due = {}
  for name, ms in pairs(timers) do
    due[#due + 1] = int(now + ms)
    due[#due + 1] = session_id .. ':' .. name
  end
  if #due > 0 then redis.call('ZADD', k('timers'), unpack(due)) end
end

-- The first candidate below the bounded-load cap, else the least loaded with a free seat.
local function choose(candidates, group)
  local total = redis.call('SCARD', k('seated', group))
  local least, least_load
  for _, candidate in ipairs(candidates) do
    local kf, ratio = candidate[1], candidate[2]
    if has_room(kf) then
      local load = redis.call('SCARD', k('seats', kf))
      if load < math.max(1, math.ceil(ratio * (total + 1) - 1e-9)) then return kf end
      if not least or load < least_load then least, least_load = kf, load end
    end
  end
  return least
end
