-- One push, one round trip. KEYS[1] prefix
-- ARGV: 1 duplicate key, 2 openid, 3 body, 4 preview, 5 type, 6 appends, 7 touches, 8 opens, 9 media (flags "1"/"0"),
--       10 trigger ("" none), 11 limit, 12 window ms, 13 notice of an event that opens nothing,
--       14 what it says of following (following.lua), 15 source ("" none), 16 text of a push that opens nothing,
--       17 what one who waits asks ("" nothing, "place", "cancel"), 18 the waiting state, 19 seats by group (JSON),
--       20 reply ms, 21 when it was created, s
-- Result: {"repeat", outcome} | {"done", outcome} | {"new", now, customer hash…}: nothing was written
local dup, openid, created = ARGV[1], ARGV[2], tonumber(ARGV[21])
local known = redis.call('GET', k('duplicate', dup))
if known and not followed_again(dup, openid, ARGV[14], created) then return { 'repeat', known } end

local now = now_ms()
local c = k('customer', openid)
local sid = redis.call('HGET', c, 'open')
if not sid and ARGV[8] == '1' then
  local answer = redis.call('HGETALL', c)
  table.insert(answer, 1, int(now))
  table.insert(answer, 1, 'new')
  return answer
end

local current = following(openid, ARGV[14], created)
if ARGV[14] == '0' and not current then return { 'done', outcome(dup, cjson.encode({ result = 'noted' })) } end
if current and ARGV[10] ~= '' then refill(openid, ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12]), now) end
remember_source(openid, ARGV[15], now)
if sid and ARGV[6] == '1' then
  local seq, kf = take_in(sid, now, ARGV[3], ARGV[4], ARGV[5], ARGV[7], ARGV[9], tonumber(ARGV[20]))
  local is = ARGV[17] ~= '' and redis.call('HMGET', k('session', sid), 'state', 'group')
  -- A waiting customer asks to leave (the caller does it, who knows the table) or for their place (answered at once).
  if is and is[1] == ARGV[18] then
    local told = { result = 'cancel_asked', session_id = sid, seq = seq }
    if ARGV[17] == 'place' then
      local position, minutes = place(is[2], sid, cjson.decode(ARGV[19])[is[2]] or 0)
      told = { result = 'asked', session_id = sid, seq = seq, position = position, minutes = minutes, notice = 'queue' }
    end
    return { 'done', outcome(dup, cjson.encode(told)) }
  end
  return { 'done', appended(dup, sid, seq, kf) }
end
return { 'done', outcome(dup, cjson.encode({ result = 'noted', notice = ARGV[13], text = ARGV[16], session_id = sid or '' })) }
