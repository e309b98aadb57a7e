-- wrk script: each line of the file (path, tab, body) is one POST, sent once.
-- Arguments: file, mean pause of a connection between requests in ms (0 = none).
local pushes, at, threads = {}, 0, {}
wrong, ran_out = 0, 0 -- global: read from outside this thread

function setup(thread) threads[#threads + 1] = thread end

function init(args)
  local pause = tonumber(args[2] or '0')
  local headers = { ['Content-Type'] = 'text/xml' }
  for line in io.lines(args[1]) do
    local path, body = string.match(line, '^([^\t]+)\t(.*)$')
    pushes[#pushes + 1] = wrk.format('POST', path, headers, body)
  end
  if pause > 0 then
    function delay() return math.random() * 2 * pause end
  end
end

function request()
  at = at + 1
  if at > #pushes then at, ran_out = 1, 1 end
  return pushes[at]
end

function response(status)
  if status ~= 200 then wrong = wrong + 1 end
end

function done(summary, latency)
  local bad, out, e = 0, 0, summary.errors
  for _, thread in ipairs(threads) do
    bad, out = bad + thread:get('wrong'), out + thread:get('ran_out')
  end
  io.write(string.format('RESULT %d %d %d %d %d %d %d %d\n', summary.requests, summary.duration,
    bad + e.connect + e.read + e.write + e.timeout, out,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
end
