-- Who is next in the queues of some groups, out of their heads as read once.
local SKIP_DEEP = 20

local function excludes(sid, kf)
  local names = redis.call('HGET', k('session', sid), 'exclude') or ''
  return string.find(',' .. names .. ',', ',' .. kf .. ',', 1, true) ~= nil
end

-- By group: {session id, score, …}, enough for so many to be taken.
local function read_heads(groups, limit)
  local heads = {}
  for _, group in ipairs(groups) do
    heads[group] = redis.call('ZRANGE', k('queue', group), 0, SKIP_DEEP + limit - 1, 'WITHSCORES')
  end
  return heads
end

-- Takes the lowest effective time over the heads, but for those who exclude the agent: session id, group.
local function take_next(groups, heads, kf)
  local best, best_score, at
  for _, group in ipairs(groups) do
    local head = heads[group]
    for i = 1, math.min(#head, 2 * SKIP_DEEP), 2 do
      local score = tonumber(head[i + 1])
      if best_score and score >= best_score then break end
      if not excludes(head[i], kf) then
        best, best_score, at = group, score, i
        break
      end
    end
  end
  if not best then return end
  table.remove(heads[best], at + 1)
  return table.remove(heads[best], at), best
end
