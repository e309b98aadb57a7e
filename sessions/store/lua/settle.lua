-- What became of a claimed send. KEYS[1] prefix
-- ARGV: 1 token of the claim, 2 openid, 3 outcome "final" | "again", 4 overlay JSON, 5 budget verdict (budget.lua),
--       6 "1" = dead letter, 7 delay ms before the next attempt (outcome "again")
-- Result: "ok" | "stale" (the claim ran out and was taken over)
local token, openid = ARGV[1], ARGV[2]
local op = token .. ':settled'
local known = recall(op)
if known then return known end
local claim = redis.call('HMGET', k('claim', openid), 'token', 'item')
if claim[1] ~= token then return 'stale' end
local now = now_ms()
if ARGV[3] == 'again' then
  local head, attempts, trigger = string.match(claim[2], '^(%S+ %d+) (%d+) (%S+)$')
  redis.call('LPUSH', k('outbox', openid), head .. ' ' .. int(tonumber(attempts) + 1) .. ' ' .. trigger)
  redis.call('DEL', k('claim', openid))
  redis.call('ZADD', k('outbox_due'), int(now + tonumber(ARGV[7])), openid)
else
  finish(openid, claim[2], ARGV[4], ARGV[5], ARGV[6] == '1', now)
end
return remember(op, 'ok')
