-- A customer's answer to the survey of a closed conversation, kept once. KEYS[1] prefix
-- ARGV: 1 duplicate key, 2 openid, 3 tag of the survey tapped ("" = typed), 4 score, 5 how long it counts, ms,
--       6 outcome of an answer that counts, 7 of a tap that does not, 8 trigger, 9 limit, 10 window ms,
--       11 when it was created, s
-- Result: {"repeat", outcome} | {"done", outcome} | {"none"}: a typed number that answers nothing, nothing was written
local dup, openid, tag = ARGV[1], ARGV[2], ARGV[3]
local known = redis.call('GET', k('duplicate', dup))
if known then return { 'repeat', known } end

local now, c = now_ms(), k('customer', openid)
local is = redis.call('HMGET', c, 'survey', 'survey_tag', 'survey_kf', 'survey_ms', 'open')
local counts = is[1] and now - tonumber(is[4]) <= tonumber(ARGV[5])
if tag == '' then counts = counts and not is[5] else counts = counts and tag == is[2] end
if not counts and tag == '' then return { 'none' } end
if following(openid, 'word', tonumber(ARGV[11])) then
  refill(openid, ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10]), now)
end
if not counts then return { 'done', outcome(dup, ARGV[7]) } end

redis.call('HDEL', c, 'survey', 'survey_tag', 'survey_kf', 'survey_ms')
local sid, kf = is[1], is[3]
local s = k('session', sid)
if redis.call('EXISTS', s) == 1 then
  redis.call('HSET', s, 'rating_score', ARGV[4], 'rating_ms', int(now))
  redis.call('HINCRBY', s, 'rev', 1)
  tell('session.updated', kf, redis.call('HGET', s, 'group'), nil, sid)
end
redis.call('HSET', k('rated'), sid, cjson.encode({ score = tonumber(ARGV[4]), comment = '', rated_ms = now }))
redis.call('HINCRBY', k('ratings', kf), 'count', 1)
redis.call('HINCRBY', k('ratings', kf), 'sum', ARGV[4])
return { 'done', outcome(dup, ARGV[6]) }
