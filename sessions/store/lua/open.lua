-- Opens a conversation with its first message: seat or queue, all in one step. KEYS[1] prefix
-- ARGV: 1 duplicate key, 2 openid, 3 request JSON: sid, body, preview, kind, media, trigger, limit, window_ms,
--   group, priority, score_credit_ms, candidates [[kf, cap ratio, owner line]…], queue_max, serving_timers, wait_ms, previous,
--   states {seated, queued, full}, closed reason full_reason, notices and texts {seated, queued, full}, card, chosen, source, seats,
--   says (following.lua), created_s
-- Result: outcome JSON
local dup, openid, r = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local known = redis.call('GET', k('duplicate', dup))
if known then return { 'repeat', known } end

local now = now_ms()
local c = k('customer', openid)
if following(openid, r.says, r.created_s) then refill(openid, r.trigger, r.limit, r.window_ms, now) end
remember_source(openid, r.source, now)
local open = redis.call('HGET', c, 'open')
if open then
  local seq, kf = take_in(open, now, r.body, r.preview, r.kind, '1', r.media, r.serving_timers.reply or 0)
  return { 'done', appended(dup, open, seq, kf) }
end

local sid, s = r.sid, k('session', r.sid)
local waiting = redis.call('ZCARD', k('queue', r.group))
local kf = waiting == 0 and choose(r.candidates, r.group) or nil
local result = kf and 'seated' or (waiting < r.queue_max and 'queued' or 'full')
redis.call('HSET', s, 'id', sid, 'openid', openid, 'state', r.states[result], 'group', r.group, 'priority', int(r.priority),
  'version', '1', 'created_ms', int(now), 'queued_ms', int(now), 'last_active_ms', int(now), 'previous_session_id', r.previous)
first_card(sid, r.card, r.chosen, kf, result, waiting)
local position, minutes = 0, 0
if result == 'seated' then
  redis.call('HSET', s, 'kf_account', kf, 'owner_epoch', '1', 'assigned_ms', int(now), 'first_assigned_ms', int(now))
  redis.call('SADD', k('seats', kf), sid)
  redis.call('SADD', k('seated', r.group), sid)
  arm(sid, r.serving_timers, now)
elseif result == 'queued' then
  redis.call('HSET', s, 'waiting_since_ms', int(now))
  enqueue(r.group, sid, now_us() - r.score_credit_ms * 1000)
  position, minutes = place(r.group, sid, r.seats)
  redis.call('ZADD', k('timers'), int(now + r.wait_ms), sid .. ':wait')
else
  redis.call('HSET', s, 'closed_ms', int(now), 'close_reason', r.full_reason)
end
if result == 'full' then
  redis.call('ZADD', k('closed'), int(now), sid)
  redis.call('HSET', c, 'last_session', sid)
else
  redis.call('ZADD', k('live'), int(now), sid)
  redis.call('HSET', c, 'open', sid, 'last_session', sid)
  if kf then redis.call('HSET', c, 'last_kf', kf, 'last_served_ms', int(now)) end
end
tell(kf and 'session.assigned' or (result == 'full' and 'session.closed' or 'session.updated'), kf or '', r.group, nil, sid)
local seq = take_in(sid, now, r.body, r.preview, r.kind, '1', r.media, 0)
return { 'done', outcome(dup, cjson.encode({ result = result == 'full' and 'queue_full' or result, session_id = sid, seq = seq,
  kf_account = kf or '', position = position, minutes = minutes, notice = r.notices[result], text = r.texts[result] })) }
