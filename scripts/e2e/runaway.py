"""Promise 7: a runaway handler is stopped with an error that names its line, and nothing else is hurt."""

import time

from support import Host, Load, case, equal, line_of, note, run

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
]


def script():
    """Each handler on one line of its own, with its name."""
    lines = [
        "local agent = agenthost.agent {",
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
    """Runs one; checks that it failed with its line, and returns what it cost."""
    cpu = host.cpu()
    began = time.monotonic()
    answer = host.post(f"/{name}", {"query": ""}, timeout=60)
    seconds, cpu = time.monotonic() - began, host.cpu() - cpu
    equal(answer.status, 500, f"{name}: {answer}")
    line = line_of(SCRIPT, f"-- {name} here")
    assert f"agent.lua:{line}:" in answer.json["detail"], f"{name}: {answer.json['detail']}"
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
        assert highest - base <= 256 * 1.05 + 16, f"memory grew by {highest - base:.0f} MiB"


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
