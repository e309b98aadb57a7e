-- Return a valid login and restart its idle time.
-- KEYS: 1 login, 2 epoch of the person
-- ARGV: 1 "1" = counts as activity, "0" = does not
-- Result: field, value, ... or {} if there is none, it ended or its person was signed out.
local flat = redis.call('HGETALL', KEYS[1])
local login = {}
for i = 1, #flat, 2 do login[flat[i]] = flat[i + 1] end
if not login.ends_ms then return {} end
local t = redis.call('TIME')
local left = tonumber(login.ends_ms) - (t[1] * 1000 + math.floor(t[2] / 1000))
if left <= 0 or login.epoch ~= (redis.call('GET', KEYS[2]) or '0') then
  redis.call('DEL', KEYS[1])
  return {}
end
if ARGV[1] == '1' then
  redis.call('PEXPIRE', KEYS[1], string.format('%d', math.min(tonumber(login.idle_ms), left)))
end
return flat
