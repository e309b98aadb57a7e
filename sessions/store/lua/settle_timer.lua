-- A timer that rang without a transition: set to a later end, or dropped. KEYS[1] prefix
-- ARGV: 1 member, 2 end that was seen due (ms), 3 new end (ms) or ""
-- Result: "ok" | "moved" (a transition set it anew meanwhile: left alone)
local score = tonumber(redis.call('ZSCORE', k('timers'), ARGV[1]) or 'inf')
if score > tonumber(ARGV[2]) then return 'moved' end
if ARGV[3] == '' then
  redis.call('ZREM', k('timers'), ARGV[1])
else
  redis.call('ZADD', k('timers'), ARGV[3], ARGV[1])
end
return 'ok'
