-- What a customer's push does to the conversation that is open.
-- p: body, preview, kind, touches ("1" = counts as the customer's word), media ("1" = fetch it)
local function take_in(openid, sid, p, now)
  local s = k('session', sid)
  local seq = redis.call('HINCRBY', s, 'seq', 1)
  local message = append(sid, seq, now, p.body)
  redis.call('HINCRBY', s, 'rev', 1)
  if p.touches == '1' then
    redis.call('HINCRBY', s, 'in_seq', 1)
    redis.call('HINCRBY', s, 'unread', 1)
    if redis.call('HINCRBY', s, 'unanswered', 1) == 1 then redis.call('HSET', s, 'asked_ms', int(now)) end
    redis.call('HSET', s, 'last_active_ms', int(now), 'last_ms', int(now),
      'last_text', p.preview, 'last_type', p.kind, 'last_direction', 'in')
  end
  if p.media == '1' then redis.call('ZADD', k('media_jobs'), int(now), sid .. ':' .. int(seq)) end
  local who = redis.call('HMGET', s, 'kf_account', 'transfer_to', 'group')
  tell('message.created', (who[1] or '') .. ',' .. (who[2] or ''), who[3], { 'm', message }, sid)
  return seq, who[1] or ''
end

local OUTCOME_TTL_S = 600
local function outcome(dup, text)
  redis.call('SET', k('duplicate', dup), text, 'EX', OUTCOME_TTL_S)
  return text
end

local function appended(dup, sid, seq, kf)
  return outcome(dup, cjson.encode({ result = 'appended', session_id = sid, seq = seq, kf_account = kf }))
end
