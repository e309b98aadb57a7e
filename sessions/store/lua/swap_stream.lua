-- Puts a copy of a stream in its place, after what was added since the copy was made.
-- KEYS: 1 stream, 2 its copy
-- ARGV: 1 where the copy ends: "(<id>", "-" = it is empty
-- Result: entries of the stream; repeating it changes nothing
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local info, last = redis.call('XINFO', 'STREAM', KEYS[1]), nil
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then last = info[i + 1] end
end
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], '+')) do
  redis.call('XADD', KEYS[2], entry[1], unpack(entry[2]))
end
if redis.call('EXISTS', KEYS[2]) == 0 then
  if last == '0-0' then return 0 end
  redis.call('XADD', KEYS[2], last, 't', '')
  redis.call('XDEL', KEYS[2], last)
end
redis.call('XSETID', KEYS[2], last)
redis.call('RENAME', KEYS[2], KEYS[1])
return redis.call('XLEN', KEYS[1])
