-- Seat waiting customers at one agent while they have free seats. KEYS[1] prefix
-- ARGV: 1 operation id, 2 kf_account, 3 request JSON: groups, serving (state), serving_timers, limit, line
-- Result: JSON list of session ids seated
local op, kf, r = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local known = recall(op)
if known then return known end

local now = now_ms()

local function seat(sid, group)
  local s = k('session', sid)
  local is = redis.call('HMGET', s, 'first_assigned_ms', 'openid', 'version', 'owner_epoch', 'rev')
  local first = is[1] and is[1] ~= '0' and is[1] or int(now)
  redis.call('HSET', s, 'state', r.serving, 'kf_account', kf, 'assigned_ms', int(now), 'first_assigned_ms', first,
    'waiting_since_ms', '0', 'last_active_ms', int(now), 'version', int((is[3] or 0) + 1),
    'owner_epoch', int((is[4] or 0) + 1), 'rev', int((is[5] or 0) + 1))
  redis.call('SADD', k('seats', kf), sid)
  redis.call('SADD', k('seated', group), sid)
  redis.call('ZREM', k('timers'), sid .. ':wait')
  arm(sid, r.serving_timers, now)
  redis.call('HSET', k('customer', is[2]), 'last_kf', kf, 'last_served_ms', int(now))
  dequeue(group, sid)
  explain(sid, kf, 'from_queue', now)
  tell('session.assigned', kf, group, nil, sid)
end

local seated, heads = {}, read_heads(r.groups, r.limit)
while #seated < r.limit and has_room(kf) do
  local sid, group = take_next(r.groups, heads, kf)
  if not sid then break end
  seat(sid, group)
  seated[#seated + 1] = sid
end
if #seated == 0 then return '[]' end
return remember(op, cjson.encode(seated))
