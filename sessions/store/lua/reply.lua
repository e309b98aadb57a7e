-- An agent's message: recorded, paid from the budget, put into the outbox. KEYS[1] prefix
-- ARGV: 1 session id, 2 client id, 3 content hash, 4 kf_account, 5 owner epoch ("" any), 6 body, 7 preview, 8 type,
--       9 allowed states, comma-framed
-- Result: {"ok"|"repeat", seq} | {"gone"|"other_content"|"closed"|"not_owner"|"reply_budget_spent"|"reply_window_closed"}
local sid, client_id, hash, kf = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local s = k('session', sid)
local known = redis.call('HGET', k('client_ids', sid), client_id)
if known then
  local seq, stored = string.match(known, '^(%d+):(.*)$')
  if stored ~= hash then return { 'other_content' } end
  return { 'repeat', tonumber(seq) }
end

local is = redis.call('HMGET', s, 'state', 'kf_account', 'owner_epoch', 'openid', 'first_reply_ms', 'transfer_to', 'group', 'closed_ms')
if not is[1] then return { 'gone' } end
if not string.find(ARGV[9], ',' .. is[1] .. ',', 1, true) then return { is[8] and is[8] ~= '0' and 'closed' or 'not_owner' } end
if is[2] ~= kf or (ARGV[5] ~= '' and ARGV[5] ~= is[3]) then return { 'not_owner' } end

local now, openid = now_ms(), is[4]
local _, trigger, window_open = replies_left(openid, now)
if not trigger then return { window_open and 'reply_budget_spent' or 'reply_window_closed' } end

spend(openid, trigger)
local seq = redis.call('HINCRBY', s, 'seq', 1)
local message = append(sid, seq, now, ARGV[6])
redis.call('HSET', k('client_ids', sid), client_id, int(seq) .. ':' .. hash)
redis.call('HSET', s, 'unanswered', '0', 'asked_ms', '0', 'unread', '0', 'last_active_ms', int(now), 'last_ms', int(now),
  'last_text', ARGV[7], 'last_type', ARGV[8], 'last_direction', 'out')
if not is[5] or is[5] == '0' then redis.call('HSET', s, 'first_reply_ms', int(now)) end
redis.call('HINCRBY', s, 'rev', 1)
redis.call('ZREM', k('timers'), sid .. ':reply')
post(openid, sid, seq, trigger, now)
tell('message.created', kf .. ',' .. (is[6] or ''), is[7], { 'm', message }, sid)
return { 'ok', seq }
