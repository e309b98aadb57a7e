-- Counts a sign-in attempt before it is made, or says how long to wait; counting first means that
-- attempts at the same moment cannot all slip through.
-- KEYS: 1 attempts on the account, 2 attempts on it from this address, 3 mark of a known address
-- ARGV: 1 free on account, 2 longest wait ms on account, 3 free from address, 4 longest wait ms,
--       5 first wait ms, 6 ms that counts are kept
-- Result: 0 = go on, else ms to wait (nothing counted).
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
