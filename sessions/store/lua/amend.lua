-- Changes what is known of one stored message (its media fetched, or not to be had). KEYS[1] prefix
-- ARGV: 1 operation id, 2 session id, 3 seq, 4 overlay JSON
-- Result: "ok" | "gone"
local op, sid, seq, overlay = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local known = recall(op)
if known then return known end
local message = redis.call('LINDEX', k('messages', sid), tonumber(seq) - 1)
redis.call('ZREM', k('media_jobs'), sid .. ':' .. seq)
if not message then return 'gone' end
redis.call('HSET', k('overlay', sid), seq, overlay)
redis.call('HINCRBY', k('session', sid), 'rev', 1)
local is = redis.call('HMGET', k('session', sid), 'kf_account', 'transfer_to', 'group')
tell('message.updated', (is[1] or '') .. ',' .. (is[2] or ''), is[3], { 'm', message, 'o', overlay }, sid)
return remember(op, 'ok')
