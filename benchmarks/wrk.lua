-- Asks for the targets that a file lists, in turn, and prints one line of JSON.
-- One target is given as the URL instead: then wrk never calls into Lua for a request.

function init(args)
  if #args == 0 then return end
  local requests, turn = {}, 0
  for target in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", target)
  end
  request = function()
    turn = turn % #requests + 1
    return requests[turn]
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"count": %d, "size": %d, "microseconds": %d, "p99": %d, "connect": %d,' ..
    ' "read": %d, "write": %d, "status": %d, "timeout": %d}\n',
    summary.requests, summary.bytes, summary.duration, latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
