-- The explanation of the last decision, as JSON. A decision made in Python may meet other numbers here.
local RESULTS = { seated = 'assign', queued = 'queue', full = 'queue_full' }
local LISTS = { 'candidates', 'skipped', 'fallback' }

local function set_card(sid, card)
  local text = cjson.encode(card)
  for _, name in ipairs(LISTS) do text = string.gsub(text, '"' .. name .. '":{}', '"' .. name .. '":[]') end
  redis.call('SET', k('card', sid), text)
end

-- Of a new conversation: what was decided (text, chosen: kf_account or ''), corrected where it was done otherwise.
local function first_card(sid, text, chosen, kf, result, waiting)
  if text == '' then return end
  if (kf or '') == chosen and result ~= 'full' then redis.call('SET', k('card', sid), text) return end
  local card, queued = cjson.decode(text), waiting > 0 and 'others_wait_first' or 'all_full'
  card.result, card.chosen = RESULTS[result], kf or cjson.null
  card.reason = kf and 'live_numbers' or (result == 'full' and 'queue_full' or queued)
  set_card(sid, card)
end

-- Follows the conversation: who has it now ('' = it waits), in which group and why, and what was decided before.
-- decided: JSON of a decision made for this step, '' or nil without one.
local function explain(sid, kf, reason, now, decided)
  local text = redis.call('GET', k('card', sid))
  local card = text and cjson.decode(text) or {}
  local before = { result = card.result, chosen = card.chosen, reason = card.reason, group = card.group, at_ms = card.at_ms }
  if decided and decided ~= '' then
    for name, value in pairs(cjson.decode(decided)) do card[name] = value end
  end
  card.before, card.reason, card.at_ms = before, reason, now
  card.result, card.chosen = kf ~= '' and 'assign' or 'queue', kf ~= '' and kf or cjson.null
  card.group = redis.call('HGET', k('session', sid), 'group') or ''
  set_card(sid, card)
end
