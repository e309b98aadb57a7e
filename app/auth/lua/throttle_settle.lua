-- Take a counted attempt back: the password was right, or it was never checked.
-- KEYS: as in throttle_take
-- ARGV: 1 "right" or "unchecked", 2 ms for which a known address is stored
local function give_back(key)
  if redis.call('EXISTS', key) == 0 then return end
  if redis.call('HINCRBY', key, 'n', -1) <= 0 then
    redis.call('DEL', key)
  else
    redis.call('HSET', key, 'until', '0')
  end
end

if redis.call('EXISTS', KEYS[3]) == 0 then give_back(KEYS[1]) end
if ARGV[1] == 'right' then
  redis.call('DEL', KEYS[2])
  redis.call('SET', KEYS[3], '1', 'PX', ARGV[2])
else
  give_back(KEYS[2])
end
return 1
