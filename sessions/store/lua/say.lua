-- One more line in an open conversation, without a transition. KEYS[1] prefix
-- ARGV: 1 operation id, 2 session id, 3 body, 4 "" (for the desk only) or replies that must be left to send it,
--       5 body of the line that says it was not sent
-- Result: seq | "gone" | "closed" | "unsent"
local op, sid, body, needs = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local known = recall(op)
if known then return tonumber(known) or known end
local s, now = k('session', sid), now_ms()
local is = redis.call('HMGET', s, 'openid', 'kf_account', 'transfer_to', 'group', 'closed_ms')
if not is[1] then return 'gone' end
if (is[5] or '0') ~= '0' and needs == '' then return 'closed' end
local function line(text)
  local seq = redis.call('HINCRBY', s, 'seq', 1)
  redis.call('HINCRBY', s, 'rev', 1)
  tell('message.created', (is[2] or '') .. ',' .. (is[3] or ''), is[4], { 'm', append(sid, seq, now, text) }, sid)
  return seq
end
if needs == '' then return tonumber(remember(op, int(line(body)))) end
local left, trigger = replies_left(is[1], now)
if left < tonumber(needs) or not trigger then
  line(ARGV[5])
  return remember(op, 'unsent')
end
spend(is[1], trigger)
local seq = line(body)
post(is[1], sid, seq, trigger, now)
return tonumber(remember(op, int(seq)))
