-- Seats waiting customers at one agent while he has room. KEYS[1] prefix
-- ARGV: 1 operation id, 2 kf_account, 3 request JSON: groups, serving (state), serving_timers, limit, line
-- Result: JSON list of session ids seated
local op, kf, r = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local known = recall(op)
if known then return known end

local SKIP_DEEP = 20
local now = now_ms()

local function excludes(sid)
  local names = redis.call('HGET', k('session', sid), 'exclude') or ''
  return string.find(',' .. names .. ',', ',' .. kf .. ',', 1, true) ~= nil
end

-- The lowest effective time over the heads of the agent's groups.
local function next_waiting()
  local best, best_score, best_group
  for _, group in ipairs(r.groups) do
    local heads = redis.call('ZRANGE', k('queue', group), 0, SKIP_DEEP - 1, 'WITHSCORES')
    for i = 1, #heads, 2 do
      local sid, score = heads[i], tonumber(heads[i + 1])
      if best_score and score >= best_score then break end
      if not excludes(sid) then
        best, best_score, best_group = sid, score, group
        break
      end
    end
  end
  return best, best_group
end

local function seat(sid, group)
  local s = k('session', sid)
  local before = redis.call('HMGET', s, 'first_assigned_ms', 'openid', 'last_active_ms')
  redis.call('HSET', s, 'state', r.serving, 'kf_account', kf, 'assigned_ms', int(now), 'waiting_since_ms', '0',
    'last_active_ms', int(now))
  if not before[1] or before[1] == '0' then redis.call('HSET', s, 'first_assigned_ms', int(now)) end
  redis.call('HINCRBY', s, 'version', 1)
  redis.call('HINCRBY', s, 'owner_epoch', 1)
  redis.call('HINCRBY', s, 'rev', 1)
  redis.call('SADD', k('seats', kf), sid)
  redis.call('SADD', k('seated', group), sid)
  redis.call('ZREM', k('timers'), sid .. ':wait')
  arm(sid, r.serving_timers, now)
  redis.call('HSET', k('customer', before[2]), 'last_kf', kf, 'last_served_ms', int(now))
  dequeue(group, sid)
  explain(sid, kf, 'from_queue', now)
  tell('session.assigned', kf, group, {}, sid)
end

local seated = {}
while #seated < r.limit and has_room(kf) do
  local sid, group = next_waiting()
  if not sid then break end
  seat(sid, group)
  seated[#seated + 1] = sid
end
if #seated == 0 then return '[]' end
return remember(op, cjson.encode(seated))
