-- Open a login unless its person was signed out everywhere since the password was checked.
-- KEYS: 1 login, 2 epoch of the person
-- ARGV: 1 epoch seen before the check, 2 idle ms, 3 absolute ms, then field, value, ...
-- Result: {created ms, ends ms}, or {} if the epoch changed. A repeat opens the same login.
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[1] then return {} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ends = now + tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'idle_ms', ARGV[2],
  'created_ms', string.format('%d', now), 'ends_ms', string.format('%d', ends), unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return { string.format('%d', now), string.format('%d', ends) }
