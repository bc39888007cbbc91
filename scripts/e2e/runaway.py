"""Promise 7: a runaway handler is stopped with an error that names its line, and nothing else is hurt."""

import re
import resource
import signal
import threading
import time

from support import Host, Load, case, command, equal, line_of, note, run, scripts_folder, until

# Name, the handler's body, and what it may cost: "time" (a budget of 0.5 s of processor time) or "memory" (256 MiB).
RUNAWAYS = [
    ("loop", "while true do pcall(function() while true do end end) end"),
    ("table", "local t = {} for i = 1, 1e8 do t[i] = i end"),
    ("recursion", "local function f(n) return 1 + f(n + 1) end f(1)"),
    ("pattern", "local n = 30 return (('a'):rep(n)):find(('a?'):rep(n) .. ('a'):rep(n) .. 'b')"),
    ("coroutine", "local co = coroutine.wrap(function() while true do end end) co()"),
    ("coroutines", "while true do coroutine.wrap(function() pcall(function() while true do end end) end)() end"),
    ("rep", "return #(('x'):rep(1e9))"),
    ("doubling", "local s = 'x' while true do s = s .. s end"),
    ("concat", "local t = {} for i = 1, 1e5 do t[i] = ('x'):rep(10000) end return #table.concat(t)"),
    ("gsub", "return ('x'):rep(1000):gsub('x', function() while true do end end)"),
    ("sort", "local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() while true do end end)"),
    ("metamethod", "local t = setmetatable({}, { __index = function(t, k) while true do end end }) return t.x"),
    ("closer", "local c <close> = setmetatable({}, { __close = function() while true do end end }) while true do end"),
    ("tostring", "return tostring(setmetatable({}, { __tostring = function() while true do end end }))"),
    ("handler", "xpcall(function() error('x') end, function() while true do end end)"),
    ("strings", "local t = {} for i = 1, 1e8 do t[i] = ('%d'):format(i):rep(100) end"),
    ("unpack", "return #{ table.unpack({}, 1, 1e8) }"),
    ("move", "table.move({ 1 }, 1, 1e9, 2)"),
    # One call or one instruction that would take long.
    ("error", "error(('x'):rep(50000000))"),
    ("find", "local s, p = ('a'):rep(2e7), 'b' .. ('a'):rep(254) while true do s:find(p, 1, true) end"),
    ("needle", "local s, p = ('a'):rep(8e6), ('a'):rep(4e6) .. 'b' while true do s:find(p, 1, true) end"),
    ("collide", "local s, t = (1 << 18) - 1, {} for i = 1, (1 << 17) + 2 do t[i * s] = true end"),
    ("floats", "local t = {} for i = 1, 1 << 17 do t[1 + i * 2.0 ^ -48] = true end"),
    ("call", "local m = {} local t = setmetatable({}, m) m.__call = t t()"),
    ("tonumber", "local s = ('0'):rep(1e7) while true do tonumber(s) end"),
    ("chars", "local s, t = ('0'):rep(1e5) .. '65', {} for i = 1, 1e5 do t[i] = s end utf8.char(table.unpack(t))"),
    ("digits", "local t = {} for i = 1, 5e4 do t[i] = 1e308 end while true do (('%.99f'):rep(5e4)):format(table.unpack(t)) end"),
    ("zeros", "local a = ('\\0'):rep(4e7) local b = a .. 'a' while true do local c = a < b end"),
    ("equal", "local a, b = ('a'):rep(8e7), ('a'):rep(8e7) while true do local c = a == b end"),
    ("date", "os.date(('%c'):rep(1e6))"),
    ("select", "local t = {} for i = 1, 5e5 do t[i] = i end while true do select(5, table.unpack(t)) end"),
    ("load", "load('local a if a then ' .. ('elseif a then '):rep(100000) .. 'end')"),
    ("nested", "local function f(s) return (s:gsub('.', f)) end f('abc')"),
    ("tostrings", "local t = setmetatable({}, { __tostring = function(t) return tostring(t) end }) tostring(t)"),
    ("concats", "local t = setmetatable({}, { __concat = function(a, b) return a .. b end }) return t .. 'x'"),
    # What host functions do for a script.
    ("model", "local t = {} for i = 1, 1e5 do t['f' .. i] = 'string' end while true do agenthost.model(t) end"),
    ("log", "local s = ('x'):rep(20000000) while true do agenthost.log.debug(s, { s = s, [s] = 1 }) end"),
    ("publish", "local t = { ('x'):rep(20000000) } while true do agent:publish('t', t) end"),
    ("timers", "for i = 1, 1e6 do agent:after(1000, function() end) end"),
    ("spawns", "for i = 1, 1e6 do agenthost.spawn(function() agenthost.sleep(1000) end) end"),
]


def script():
    """Each handler on one line of its own, with its name."""
    lines = [
        "local agent = agenthost.realtime_agent {",
        '  name = "runaway",',
        "  endpoints = {",
        '    { path = "/ok", task_type = "ok" },',
        *(f'    {{ path = "/{name}", task_type = "{name}" }},' for name, _ in RUNAWAYS),
        "  },",
        "}",
        'agent:task("ok", function(task) return task.query end)',
        *(f'agent:task("{name}", function() {body} end) -- {name} here' for name, body in RUNAWAYS),
    ]
    return "\n".join(lines) + "\n"


SCRIPT = script()


def stopped(host, name):
    """Runs one; checks that it failed and its line is in the log, and returns what it cost."""
    cpu = host.cpu()
    began = time.monotonic()
    answer = host.post(f"/{name}", {"query": ""}, timeout=60)
    seconds, cpu = time.monotonic() - began, host.cpu() - cpu
    equal(answer.status, 500, f"{name}: {answer}")
    line = line_of(SCRIPT, f"-- {name} here")
    assert f"agent.lua:{line}:" in host.output(), f"{name}: {answer.json['detail']}"
    return seconds, cpu, answer.json["detail"]


@case("each runaway is stopped within its budget, with the line in its error, and the host serves on")
def budgets():
    with Host(SCRIPT, environment={"LOG_LEVEL": "ERROR"}) as host:
        base, _ = host.memory()
        for name, _ in RUNAWAYS:
            seconds, cpu, detail = stopped(host, name)
            note(f"{name:<11} {seconds:5.2f} s, {cpu:5.2f} s of processor time: {detail[25:110]}")
            equal(host.task("/ok", query=name), name)
            # The budget is 0.5 s and 50 ms. Garbage that a memory runaway leaves is collected after it, and the clock
            # that this reads ticks in 10 ms.
            assert cpu <= 0.5 + 0.05 + 0.25, f"{name} took {cpu:.2f} s of processor time"
        _, highest = host.memory()
        note(f"memory: {base:.0f} MiB before, {highest:.0f} MiB at its highest")
        # What small blocks took is free, but still the process's, when the large ones of another handler come on top; and a
        # small block takes up to a fifth more than what counts against the limit, as blocks come in a few sizes.
        assert highest - base <= 2 * 256 + 256 // 5, f"memory grew by {highest - base:.0f} MiB"


@case("other requests are answered meanwhile")
def others():
    with Host(SCRIPT, arguments=["--workers", "2"], environment={"LOG_LEVEL": "ERROR"}) as host:
        with Load(host, "/ok", {"query": "x"}) as one, Load(host, "/ok", {"query": "y"}) as two, \
                Load(host, "/ok", {"query": "z"}) as three:
            for name, _ in RUNAWAYS:
                stopped(host, name)
        for load in (one, two, three):
            load.check()
        note(f"{one.count + two.count + three.count} requests answered, the slowest after "
             f"{max(one.slowest, two.slowest, three.slowest):.2f} s")


@case("a request to the same worker waits for one slice, and 50 ms")
def same_worker():
    with Host(SCRIPT, environment={"LOG_LEVEL": "ERROR"}) as host:
        slowest = ("", 0.0)
        for name, _ in RUNAWAYS:
            with Load(host, "/ok", {"query": "x"}) as load:
                seconds, _, _ = stopped(host, name)
            load.check()
            slowest = max(slowest, (name, load.slowest), key=lambda one: one[1])
            # The budget is one of processor time, of which a busy machine gives less: what the runaway itself took tells.
            # A memory runaway leaves 256 MiB of garbage, which is collected once more.
            assert load.slowest <= max(0.55, seconds) + 0.45, f"{name}: {load.slowest:.2f} s, the runaway {seconds:.2f} s"
        note(f"the slowest answer came after {slowest[1]:.2f} s, beside {slowest[0]}")


BUSY = """
local agent = agenthost.realtime_agent { name = "busy", endpoints = {
  { path = "/ok", task_type = "ok" }, { path = "/begin", task_type = "begin" } } }
agent:task("ok", function(task) return task.query end)
agent:on_event("again", function() agenthost.sleep(0) agent:emit { event_type = "again" } end)
agent:task("begin", function(task)
  agenthost.spawn(function() local f = load("local agent, agenthost = ... " .. task.query) f(agent, agenthost) end)
end)
"""

# What a script can keep itself busy with, without one slice that is too long.
ENDLESS = {
    "sleeps of nothing": "while true do agenthost.sleep(0) end",
    "a function that spawns itself": "local function f() agenthost.spawn(f) end f()",
    "functions that spawn two": "local function f() agenthost.spawn(f) agenthost.spawn(f) agenthost.sleep(0) end f()",
    "timers without delay": "local function f() agent:after(0, f) end f()",
    "events that cause events": "for i = 1, 100 do agent:emit { event_type = 'again' } end",
    "ten thousand functions that wait": "for i = 1, 9000 do agenthost.spawn(function() agenthost.sleep(1000) end) end",
    "closers that loop": """for i = 1, 1000 do agenthost.spawn(function()
        local c <close> = setmetatable({}, { __close = function() while true do end end }) agenthost.sleep(1000) end) end""",
    "timers that wait": "for i = 1, 9000 do agent:after(1000, function() end) end",
}


@case("a script that never rests leaves the worker to others, and SIGTERM ends the host")
def endless():
    for name, body in ENDLESS.items():
        # A build without optimization takes long for ten thousand ends of sleeps at once.
        most = "1000" if "two" in name else "10000"
        with Host(BUSY, environment={"LOG_LEVEL": "CRITICAL", "MAX_INVOCATIONS": most}) as host:
            equal(host.task("/begin", query=body), None)
            with Load(host, "/ok", {"query": "x"}) as load:
                until(lambda: load.count >= 20, f"{name}: 20 requests are answered", 30)
            load.check()
            began = time.monotonic()
            host.signal(signal.SIGTERM)
            host.process.wait(13)
            note(f"{name:<33} slowest answer {load.slowest:5.2f} s, stopped in {time.monotonic() - began:5.2f} s")
            assert load.slowest <= 1, f"{name}: an answer took {load.slowest:.2f} s"
            assert time.monotonic() - began < 10, name
            equal(host.process.returncode, 0, name)
            host.was_killed = True


@case("a second signal ends the host at once")
def second_signal():
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        with Host(BUSY.replace("agent:task(\"ok\", function(task)", "agent:task(\"ok\", function(task) agenthost.sleep(60)"),
                  environment={"LOG_LEVEL": "CRITICAL"}) as host:
            with Load(host, "/ok", {"query": "x"}):
                until(lambda: "agenthost_" in host.get("/metrics").body.decode(), "the host answers", 10)
                time.sleep(0.3)
                host.signal(signal.SIGTERM)
                until(lambda: not accepts(host), "the stop has begun", 5)
                assert host.process.poll() is None
                began = time.monotonic()
                host.signal(number)
                host.process.wait(2)
                assert time.monotonic() - began < 1
            # A process that ends itself with the code that a shell shows for the signal.
            equal(host.process.returncode, code)
            host.was_killed = True


def accepts(host):
    """Whether the host still takes new work."""
    try:
        return host.get("/readyz", timeout=2).status != 503 and host.post("/begin", {"query": ""}, timeout=2).status != 503
    except OSError:
        return False


@case("compiling has the load's budget: a hundred thousand elseif end it with the line that was reached")
def compiling():
    source = 'local agent = agenthost.agent { name = "long" }\nlocal a\nif a then\n' + "elseif a then\n" * 100_000 + "end\n"
    with scripts_folder({"long.lua": source}) as folder:
        def processor_time():
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return used.ru_utime + used.ru_stime

        began = processor_time()
        done = command("check", "long.lua", folder=folder)
        seconds = processor_time() - began
        equal(done.returncode, 1)
        output = done.stdout + done.stderr
        output = output.decode() if isinstance(output, bytes) else output
        assert re.search(r"long\.lua:[0-9]+: the script used more than 5 s of CPU time", output), output[:300]
        note(f"{seconds:.1f} s of processor time: {output.strip()[:100]}")
        assert seconds < 5 + 1


WAITING = """
local agent = agenthost.realtime_agent {
  name = "busy",
  endpoints = { { path = "/endless", task_type = "endless" }, { path = "/inner", task_type = "inner" } },
}
local function work() for _ = 1, 1e6 do end end
agent:task("inner", function() work() end)
local steps = {
  itself = function(handle) pcall(handle.wait, handle) end, flush = function() agent:flush() end,
  process = function() agent:process("inner", {}) end, gather = function() agenthost.gather { work } end,
  spawn = function() agenthost.spawn(work):wait() end, sleep = function() agenthost.sleep(0) end,
}
agent:task("endless", function(task)
  local handle
  handle = agenthost.spawn(function() while true do steps[task.query](handle) work() end end)
  return handle:wait()
end)
"""


@case("a handler that works between waits which end at once leaves others their turn, and is stopped by its time limit")
def busy():
    slowest = 0
    for step in ("itself", "flush", "process", "gather", "spawn", "sleep"):
        with Host(WAITING, environment={"TASK_TIMEOUT": "1", "LOG_LEVEL": "ERROR"}) as host:
            answers = []
            thread = threading.Thread(target=lambda: answers.append(host.post("/endless", {"query": step}, timeout=60).status))
            thread.start()
            while thread.is_alive():
                began = time.monotonic()
                equal(host.get("/health").status, 200)
                slowest = max(slowest, time.monotonic() - began)
            thread.join()
            equal(answers, [504], step)
            host.kill()
            host.was_killed = True
    note(f"the slowest other request {slowest * 1000:.0f} ms")
    # One piece of work takes some milliseconds; without turns a thousand of them would go before this.
    assert slowest < 3, slowest


@case("dozens of runaways leave the memory as it was")
def again():
    with Host(SCRIPT, environment={"LOG_LEVEL": "ERROR"}) as host:
        for name in ("table", "recursion", "doubling"):
            stopped(host, name)
        before, _ = host.memory()
        for _ in range(12):
            for name in ("recursion", "doubling", "rep"):
                stopped(host, name)
        after, _ = host.memory()
        note(f"{before:.0f} MiB before, {after:.0f} MiB after")
        assert after - before < 64, f"memory grew by {after - before:.0f} MiB"
        equal(host.task("/ok", query="x"), "x")


run()
