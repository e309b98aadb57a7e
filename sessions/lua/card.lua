-- The explanation follows the owner: who has the conversation now and why, and what was decided before.
local LISTS = { 'candidates', 'skipped', 'fallback' }

local function explain_owner(sid, kf, reason, now)
  local text = redis.call('GET', k('card', sid))
  local card = text and cjson.decode(text) or {}
  card.before = { result = card.result, chosen = card.chosen, reason = card.reason, at_ms = card.at_ms }
  card.result, card.chosen, card.reason, card.at_ms = 'assign', kf, reason, now
  local told = cjson.encode(card)
  for _, name in ipairs(LISTS) do told = string.gsub(told, '"' .. name .. '":{}', '"' .. name .. '":[]') end
  redis.call('SET', k('card', sid), told)
end
