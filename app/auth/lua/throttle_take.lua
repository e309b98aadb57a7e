-- Count a sign-in attempt before it is made, or return how long to wait. Counting first refuses
-- concurrent attempts too.
-- KEYS: 1 attempts on the account, 2 attempts on it from this address, 3 mark of a known address
-- ARGV: 1 free on account, 2 longest wait ms on account, 3 free from address, 4 longest wait ms,
--       5 first wait ms, 6 ms for which counts are stored
-- Result: 0 = allowed, else ms to wait (nothing counted).
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local known = redis.call('EXISTS', KEYS[3]) == 1

local function wait(key)
  return tonumber(redis.call('HGET', key, 'until') or '0') - now
end

local function count(key, free, longest)
  local over = redis.call('HINCRBY', key, 'n', 1) - tonumber(free)
  local delay = over < 0 and 0 or math.min(tonumber(longest), ARGV[5] * 2 ^ over)
  redis.call('HSET', key, 'until', string.format('%d', now + delay))
  redis.call('PEXPIRE', key, ARGV[6])
end

local longest = wait(KEYS[2])
if not known then longest = math.max(longest, wait(KEYS[1])) end
if longest > 0 then return longest end
count(KEYS[2], ARGV[3], ARGV[4])
if not known then count(KEYS[1], ARGV[1], ARGV[2]) end
return 0
