-- What a customer's push does to the conversation that is open.
-- p: body, preview, kind, touches ("1" = counts as the customer's word), media ("1" = fetch it)
local function take_in(openid, sid, p, now)
  local s = k('session', sid)
  local is = redis.call('HMGET', s, 'kf_account', 'transfer_to', 'group', 'seq', 'rev', 'in_seq', 'unread', 'unanswered')
  local function after(i) return (tonumber(is[i]) or 0) + 1 end
  local seq = after(4)
  local set = { 'seq', int(seq), 'rev', int(after(5)) }
  if p.touches == '1' then
    local said = { 'in_seq', int(after(6)), 'unread', int(after(7)), 'unanswered', int(after(8)), 'last_active_ms', int(now),
      'last_ms', int(now), 'last_text', p.preview, 'last_type', p.kind, 'last_direction', 'in' }
    for _, v in ipairs(said) do set[#set + 1] = v end
    if after(8) == 1 then set[#set + 1] = 'asked_ms'; set[#set + 1] = int(now) end
  end
  redis.call('HSET', s, unpack(set))
  local message = append(sid, seq, now, p.body)
  if p.media == '1' then redis.call('ZADD', k('media_jobs'), int(now), sid .. ':' .. int(seq)) end
  tell('message.created', (is[1] or '') .. ',' .. (is[2] or ''), is[3], { 'm', message }, sid)
  return seq, is[1] or ''
end

local OUTCOME_TTL_S = 600
local function outcome(dup, text)
  redis.call('SET', k('duplicate', dup), text, 'EX', OUTCOME_TTL_S)
  return text
end

local function appended(dup, sid, seq, kf)
  return outcome(dup, cjson.encode({ result = 'appended', session_id = sid, seq = seq, kf_account = kf }))
end
