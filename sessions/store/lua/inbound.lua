-- What a customer's push does to the conversation that is open.
-- touches "1" = it counts as the customer's word, media "1" = fetch it; reply_ms: how long its agent has to answer
-- what was not asked before, 0 = for ever
local function take_in(sid, now, body, preview, kind, touches, media, reply_ms)
  local s = k('session', sid)
  local is = redis.call('HMGET', s, 'kf_account', 'transfer_to', 'group', 'seq', 'rev', 'in_seq', 'unread', 'unanswered')
  local seq, rev, at = (is[4] or 0) + 1, int((is[5] or 0) + 1), int(now)
  if touches == '1' then
    local unanswered = (is[8] or 0) + 1
    redis.call('HSET', s, 'seq', int(seq), 'rev', rev, 'in_seq', int((is[6] or 0) + 1), 'unread', int((is[7] or 0) + 1),
      'unanswered', int(unanswered), 'last_active_ms', at, 'last_ms', at, 'last_text', preview, 'last_type', kind,
      'last_direction', 'in')
    if unanswered == 1 then
      redis.call('HSET', s, 'asked_ms', at)
      local served = (is[1] or '') ~= '' and (is[2] or '') == ''
      if served and reply_ms > 0 then redis.call('ZADD', k('timers'), int(now + reply_ms), sid .. ':reply') end
    end
  else
    redis.call('HSET', s, 'seq', int(seq), 'rev', rev)
  end
  local message = append(sid, seq, now, body)
  if media == '1' then redis.call('ZADD', k('media_jobs'), at, sid .. ':' .. int(seq)) end
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
