-- Shared functions: those that a script uses are put in front of it when it is loaded (sessions/store/script_text.py).
-- KEYS[1] = prefix of the official account; k('session', id) becomes k('s:', id) by sessions/store/keys.py.
local P = KEYS[1]
local function k(format, ident) return P .. format .. (ident or '') end

local function now_us()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end

local function now_ms() return math.floor(now_us() / 1000) end

-- Numbers as Redis wants them: no exponent, no fraction.
local function int(n) return string.format('%.0f', n) end

-- A repeated operation returns the first result.
local OPERATION_TTL_S = 600
local function recall(op) return redis.call('GET', k('operation', op)) end
local function remember(op, result)
  redis.call('SET', k('operation', op), result, 'EX', OPERATION_TTL_S)
  return result
end

-- Tell the desks: t type, k kf_accounts, g group, id session, then more. One on the conversation itself (session.*,
-- more nil) carries its fields, for desks that read it after the conversation has gone to SQL.
local function tell(kind, audience, group, more, session_id)
  more = more or redis.call('HGETALL', k('session', session_id))
  redis.call('XADD', k('desk'), '*', 't', kind, 'k', audience or '', 'g', group or '', 'sid', session_id or '', unpack(more))
end

local function tell_queue(group, joined, left)
  local extra = { 'waiting', redis.call('ZCARD', k('queue', group)), 'joined', joined, 'left', left }
  tell('queue.changed', '', group, extra)
end

-- Message JSON: `body` is the tail of the object as Python wrote it ("…":…}).
local function append(session_id, seq, now, body)
  local line = '{"seq":' .. int(seq) .. ',"session_id":"' .. session_id .. '","created_ms":' .. int(now) .. ',' .. body
  redis.call('RPUSH', k('messages', session_id), line)
  return line
end

-- Effective time in microseconds: no two customers stand at the same place.
local function enqueue(group, session_id, score)
  redis.call('SADD', k('queues'), group)
  redis.call('ZADD', k('queue', group), int(score), session_id)
  tell_queue(group, session_id, '')
end

local function dequeue(group, session_id)
  if redis.call('ZREM', k('queue', group), session_id) == 1 then tell_queue(group, '', session_id) end
end

-- An agent's status, seats or groups changed: nodes read only those marked after their last look, and wait for news.
local function mark(kf)
  local last = redis.call('ZREVRANGE', k('changes'), 0, 0, 'WITHSCORES')
  redis.call('ZADD', k('changes'), int(tonumber(last[2] or '0') + 1), kf)
  redis.call('XADD', k('roster_news'), 'MAXLEN', 8, '*', 'k', kf)
end
