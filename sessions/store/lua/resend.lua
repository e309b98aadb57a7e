-- Sends a failed or unknown message once more. KEYS[1] prefix
-- ARGV: 1 operation id, 2 session id, 3 seq, 4 kf_account, 5 resendable states, 6 overlay of a pending message,
--       7 allowed statuses, comma-framed
-- Result: "ok" | "gone" | "closed" | "not_owner" | "not_resendable" | budget refusals as in reply
local op, sid, seq, kf = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local known = recall(op)
if known then return known end
local is = redis.call('HMGET', k('session', sid), 'state', 'kf_account', 'openid', 'group', 'closed_ms')
if not is[1] then return 'gone' end
if not string.find(ARGV[5], ',' .. is[1] .. ',', 1, true) then return is[5] and is[5] ~= '0' and 'closed' or 'not_owner' end
if is[2] ~= kf then return 'not_owner' end
local message = redis.call('LINDEX', k('messages', sid), tonumber(seq) - 1)
local overlay = redis.call('HGET', k('overlay', sid), seq)
local status = overlay and cjson.decode(overlay).status or 'pending'
if not message or not string.find(ARGV[7], ',' .. status .. ',', 1, true) then return 'not_resendable' end

local now, openid = now_ms(), is[3]
local _, trigger, window_open = replies_left(openid, now)
if not trigger then return window_open and 'reply_budget_spent' or 'reply_window_closed' end
spend(openid, trigger)
redis.call('HSET', k('overlay', sid), seq, ARGV[6])
redis.call('HINCRBY', k('session', sid), 'rev', 1)
redis.call('ZREM', k('dead'), sid .. '.' .. seq)
post(openid, sid, tonumber(seq), trigger, now)
tell('message.updated', kf, is[4], { 'm', message, 'o', ARGV[6] }, sid)
return remember(op, 'ok')
