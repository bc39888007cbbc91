"""The load: wrk, and the programs of peers/. Each gives a `Sample` of the server it was pointed at."""

import json
import re

from bench import processor_ns
from measure import Sample

WRK = """
local paths = { %(paths)s }
local body = [==[%(body)s]==]
local headers = { ["Content-Type"] = "application/json" }
local requests, turn = {}, 0
init = function()
  for i, path in ipairs(paths) do requests[i] = wrk.format("POST", path, headers, body) end
end
request = function()
  turn = turn %% #requests + 1
  return requests[turn]
end
done = function(summary, latency)
  local errors = summary.errors
  local bad = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("RESULT %%d %%d %%d %%.1f %%.1f\\n", summary.requests, summary.duration, bad,
    latency:percentile(50), latency:percentile(99)))
end
"""


def wrk(bench, server, port, paths, body, seconds=None, connections=32, core=None):
    """POSTs of the body, as fast as the connections are answered; every answer must be a 2xx."""
    script = bench.file("post.lua", WRK % {"paths": ", ".join(f'"{path}"' for path in paths), "body": body})
    used = processor_ns(server.pid)
    text = bench.output(
        "wrk", "-t1", f"-c{connections}", f"-d{seconds or bench.plan.seconds}s", "--timeout", "10s", "-s", script,
        f"http://127.0.0.1:{port}", core=core)
    used = processor_ns(server.pid) - used
    requests, duration, bad, p50, p99 = map(float, re.search(r"RESULT (.*)", text)[1].split())
    assert requests and not bad, f"{bad:.0f} of {requests:.0f} requests failed"
    return Sample(requests / duration * 1e6, used / requests / 1e3, p50, p99)


def requests(bench, port, path, body, count, connections=32):
    """So many requests, and no more: for counting instructions."""
    result = json.loads(bench.output(bench.tool("http_load"), port, path, body, connections, "count", count, timeout=300))
    assert result["requests"] == count and not result["failed"], f"not answered as expected: {result}"


def paced(bench, port, path, body, per_second, seconds, connections=64):
    """Requests at a pace; what http_load says of their delays."""
    result = json.loads(
        bench.output(bench.tool("http_load"), port, path, body, connections, "pace", per_second, seconds))
    assert not result["failed"], f"{result['failed']} requests failed"
    return result


def between(bench, server, command, unit):
    """Runs a load that says when its measuring begins and ends; `unit` is what it counts."""
    with bench.process(*command, core=bench.load) as load:
        load.line("begin")
        used = processor_ns(server.pid)
        load.line("end", 120)
        used = processor_ns(server.pid) - used
        result = json.loads(load.line('{"' + unit, 60))
    assert not any(result.get(name) for name in ("lost", "refused", "failed")), f"not as expected: {result}"
    units = result[unit]
    return Sample(units / result["seconds"], used / units / 1e3, result["p50"], result["p99"])


def busy(bench, server, port, path, body, connections):
    """Each of so many connections has a request under way for a while, once all of them are open."""
    command = [bench.tool("http_load"), port, path, body, connections, "time", bench.plan.seconds]
    return between(bench, server, command, "requests")


def fanout(bench, server, port, path, publish, sockets, publishers=2):
    """WebSockets and publishers for a while; units are deliveries."""
    command = [bench.tool("fanout_load"), port, path, sockets, publishers, publish, "time", bench.plan.seconds]
    return between(bench, server, command, "deliveries")


def mqtt(bench, server, port, source, target, window):
    """Messages there and back for a while."""
    command = [bench.tool("mqtt_load"), port, source, target, window, "time", bench.plan.seconds]
    return between(bench, server, command, "messages")
