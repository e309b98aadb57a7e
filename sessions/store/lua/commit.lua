-- One transition of a conversation, whole. KEYS[1] prefix
-- ARGV: 1 operation id, 2 session id, 3 document JSON (sessions/change.py: document)
-- Result: "ok" | "gone" | "conflict" | "full"
local op, sid, d = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local known = recall(op)
if known then return known end

local s = k('session', sid)
local is = redis.call('HMGET', s, 'version', 'in_seq', 'openid', 'group', 'asked_ms', 'rev', 'first_assigned_ms')
if not is[1] then return 'gone' end
if tonumber(is[1]) ~= d.version then return 'conflict' end
if d.in_seq and tonumber(is[2] or '0') ~= d.in_seq then return 'conflict' end
if d.asked_ms and tonumber(is[5] or '0') ~= d.asked_ms then return 'conflict' end
if d.check_room then
  for _, kf in ipairs(d.take) do if not has_room(kf) then return 'full' end end
end

local now, openid, c = now_ms(), is[3], k('customer', is[3])
-- First what gives back: a full memory refuses scripts whose first write takes.
local over = {}
for i, name in ipairs(d.untimers) do over[i] = sid .. ':' .. name end
if #over > 0 then redis.call('ZREM', k('timers'), unpack(over)) end
for _, kf in ipairs(d.free) do redis.call('SREM', k('seats', kf), sid) end
for _, kf in ipairs(d.take) do redis.call('SADD', k('seats', kf), sid) end
if d.leave_group and d.leave_group ~= '' then redis.call('SREM', k('seated', d.leave_group), sid) end
if d.join_group and d.join_group ~= '' then redis.call('SADD', k('seated', d.join_group), sid) end
redis.call('HSET', s, 'rev', int((is[6] or 0) + 1), unpack(d.set))
for i = 1, #d.timers, 2 do redis.call('ZADD', k('timers'), d.timers[i + 1], sid .. ':' .. d.timers[i]) end
if d.dequeue then dequeue(d.dequeue, sid) end
if d.enqueue then enqueue(d.enqueue, sid, d.score) end
if d.why then explain(sid, d.owner, d.why, now, d.card) end
if d.owner ~= '' then redis.call('HSET', c, 'last_kf', d.owner, 'last_served_ms', int(now)) end
if d.closing then
  measure(d.group, tonumber(is[7] or '0'), now)
  if redis.call('HGET', c, 'open') == sid then redis.call('HDEL', c, 'open') end
  redis.call('HSET', c, 'last_closed_ms', int(now))
  redis.call('ZREM', k('live'), sid)
  redis.call('ZADD', k('closed'), int(now), sid)
end
tell(d.told, d.audience, d.enqueue or d.dequeue or d.group, nil, sid)

local function line(body)
  local seq = redis.call('HINCRBY', s, 'seq', 1)
  tell('message.created', d.audience, is[4], { 'm', append(sid, seq, now, body) }, sid)
  return seq
end
for _, body in ipairs(d.lines) do line(body) end
if d.alert then tell('notice', d.audience, is[4], d.alert, sid) end
if d.notice then
  local left, trigger = replies_left(openid, now)
  if left >= d.needs and trigger then
    spend(openid, trigger)
    post(openid, sid, line(d.notice), trigger, now)
    local q = d.survey
    if q then redis.call('HSET', c, 'survey', q[1], 'survey_tag', q[2], 'survey_kf', q[3], 'survey_ms', int(now)) end
  else
    line(d.unsent)
  end
end
return remember(op, 'ok')
