"""Promise 6: an edit swaps whole versions, and a broken one changes nothing."""

import contextlib
import os
import shutil
import signal
import threading
import time

from support import Host, Load, case, command, equal, line_of, run, scripts_folder, until

AGENT = """
local LIMIT = 140
local agent = agenthost.realtime_agent {
  name = "reloaded",
  endpoints = { { path = "/judge", task_type = "judge" }, { path = "/count", task_type = "count" } },
  websocket_endpoints = { { path = "/ws/health", auto_subscribe = { "alerts" } } },
}
agent.state.count = 0
agent:task("judge", function(task)
  if task.parameters.systolic > LIMIT then
    agent:emit { event_type = agenthost.events.ALERT_TRIGGERED, topic = "alerts", data = { limit = LIMIT } }
    return "high"
  end
  return "normal"
end)
agent:task("count", function(task)
  agent.state.count = agent.state.count + 1
  return agent.state.count
end)
"""


def save(path, text):
    """As editors do: a new file takes the place of the old."""
    other = path.with_suffix(".new")
    other.write_text(text)
    os.replace(other, path)


def generation(host):
    return host.health()["script"]["generation"]


@case("a changed threshold holds within a second, under load, on the same WebSocket, without a failed request")
def threshold():
    with Host(AGENT) as host, host.websocket("/ws/health") as socket:
        socket.receive("subscription_confirmed")
        judge = {"query": "", "parameters": {"systolic": 130}}
        with Load(host, "/judge", judge) as load, Load(host, "/count", {"query": ""}) as counting:
            until(lambda: load.count > 50 and counting.count > 50, "load runs")
            save(host.script, AGENT.replace("LIMIT = 140", "LIMIT = 120"))
            until(lambda: host.task("/judge", {"systolic": 130}) == "high", "the new threshold", 1.0)
            event = socket.receive("realtime_event", lambda m: m["payload"]["event_type"] == "alert_triggered")
            equal(event["payload"]["data"], {"limit": 120})
            before = load.count
            until(lambda: load.count > before + 50, "load goes on")
        load.check()
        counting.check()
        # Every count was answered once: not one update of the state was lost on the way.
        equal(host.task("/count"), counting.count + 1)
        script = host.health()["script"]
        equal((script["generation"], script["reload_error"]), (2, None))


@case("a broken file keeps the old version serving, and /health says degraded, with file and line")
def broken():
    with Host(AGENT) as host, host.websocket("/ws/health") as socket:
        socket.receive("subscription_confirmed")
        version = host.health()["script"]["version"]
        broken_text = AGENT.replace('  return "normal"', '  return return "normal"')
        breaks = [
            ("a syntax error", broken_text, f"agent.lua:{line_of(broken_text, 'return return')}:"),
            ("an error while it runs", AGENT + "\nerror('not today') -- HERE\n", "agent.lua:"),
            ("a misspelled field", AGENT.replace("endpoints = {", "endpionts = {", 1), "endpoints"),
            ("no agent", "local x = 1\n", "agent.lua:"),
            ("a loop", AGENT + "\nwhile true do end\n", "agent.lua:"),
            ("a handler gone", AGENT.replace('agent:task("judge"', 'agent:task("jugde"'), "judge"),
        ]
        for what, text, words in breaks:
            save(host.script, text)
            health = until(
                lambda: (health := host.health()) and health["script"]["reload_error"]
                and words in health["script"]["reload_error"] and health, f"{what} is shown; {host.health()}", 60)
            assert "agent.lua:" in health["script"]["reload_error"], health
            equal((health["status"], health["script"]["version"]), ("degraded", version), what)
            equal(host.get("/health").status, 200)
            equal(host.task("/judge", {"systolic": 150}), "high", what)
            socket.receive("realtime_event", lambda m: m["payload"]["event_type"] == "alert_triggered")
            assert words in host.output(), f"{what} is in the log"
            save(host.script, AGENT + f"\n-- mended after {what}\n")
            until(lambda: host.health()["status"] == "healthy", "mended")
            version = host.health()["script"]["version"]


@case("agent.state survives, a new field gets its default, and on_upgrade can change it")
def state():
    with Host(AGENT) as host:
        equal([host.task("/count") for _ in range(3)], [1, 2, 3])
        save(host.script, AGENT.replace("agent.state.count = 0", "agent.state.count = 0\nagent.state.fresh = 7")
             .replace("return agent.state.count", "return { agent.state.count, agent.state.fresh }"))
        until(lambda: generation(host) == 2, "reloaded")
        equal(host.task("/count"), [4, 7])
        old = host.health()["script"]["version"]
        save(host.script, AGENT + """
agent:on_upgrade(function(state, old_version)
  return { count = state.count * 100, from = old_version }
end)
agent:on_start(function() agenthost.log.info("upgraded from " .. tostring(agent.state.from)) end)
""")
        until(lambda: generation(host) == 3, "reloaded")
        equal(host.task("/count"), 401)
        until(lambda: f"upgraded from {old}" in host.output(), "on_upgrade got the old version")
        save(host.script, AGENT + "\nagent:on_upgrade(function(state) error('cannot upgrade') end)\n")
        until(lambda: "cannot upgrade" in (host.health()["script"]["reload_error"] or ""), "a failed on_upgrade is shown")
        equal(host.task("/count"), 402)


@case("routes, subscriptions and timers follow the new version")
def routes():
    with Host(AGENT, embedded=True) as host:
        added = AGENT.replace("endpoints = {", 'endpoints = { { path = "/new", task_type = "new" },', 1) + """
agent:task("new", function() return agent.state.ticks end)
agent:on_message("fresh.topic", function(data) end)
agent.state.ticks = 0
agent:every(0.02, function() agent.state.ticks = agent.state.ticks + 1 end)
"""
        equal(host.post("/new", {"query": ""}).status, 404)
        save(host.script, added)
        until(lambda: host.post("/new", {"query": ""}).status == 200, "the new route")
        until(lambda: host.task("/new") > 3, "the new timer")
        until(lambda: "fresh.topic" in host.get("/realtime/status").json["active_streams"], "the new subscription")
        save(host.script, AGENT)
        until(lambda: host.post("/new", {"query": ""}).status == 404, "the route is gone")
        until(lambda: "fresh.topic" not in host.get("/realtime/status").json["active_streams"], "the subscription is gone")


@case("editing a module that the script requires reloads the agent; writing in place works too; SIGHUP reloads")
def modules():
    files = {
        "agent.lua": AGENT.replace("local LIMIT = 140", 'local LIMIT = require "limits".systolic'),
        "limits.lua": "return { systolic = 140 }\n",
    }
    with Host(files, agents=["agent.lua"]) as host:
        equal(host.task("/judge", {"systolic": 130}), "normal")
        (host.folder / "limits.lua").write_text("return { systolic = 120 }\n")
        until(lambda: host.task("/judge", {"systolic": 130}) == "high", "the module's new value")
        (host.folder / "limits.lua").write_text("return { systolic = }\n")
        until(lambda: "limits.lua:1:" in (host.health()["script"]["reload_error"] or ""), "the module's line is named")
        (host.folder / "limits.lua").write_text("return { systolic = 160 }\n")
        until(lambda: host.task("/judge", {"systolic": 150}) == "normal", "mended")
    with Host(files, agents=["agent.lua"], arguments=["--no-reload"]) as host:
        save(host.folder / "limits.lua", "return { systolic = 120 }\n")
        before = host.health()["script"]
        host.signal(signal.SIGHUP)
        until(lambda: host.health()["script"]["generation"] > before["generation"], "SIGHUP reloads")
        equal(host.task("/judge", {"systolic": 130}), "high")


@case("a handler in flight finishes on the version it began on")
def in_flight():
    script = """
local VERSION = "one"
local agent = agenthost.agent { name = "slow", endpoints = { { path = "/slow", task_type = "slow" } } }
agent:task("slow", function(task)
  agenthost.sleep(task.parameters.seconds)
  return VERSION
end)
"""
    with Host(script) as host:
        answers = []
        thread = threading.Thread(target=lambda: answers.append(host.task("/slow", {"seconds": 2})))
        thread.start()
        until(lambda: host.health()["message_count"] == 1, "the task runs")
        save(host.script, script.replace('"one"', '"two"'))
        until(lambda: host.task("/slow", {"seconds": 0}) == "two", "the new version serves")
        equal(answers, [], "while the old one still runs")
        thread.join()
        equal(answers, ["one"])


@case("fifty edits in a row lose nothing")
def many():
    with Host(AGENT) as host:
        with Load(host, "/count", {"query": ""}) as load:
            for number in range(50):
                save(host.script, AGENT + f"\n-- edit {number}\n")
                if number % 10 == 9:
                    until(lambda: host.health()["script"]["reload_error"] is None, "no error")
            final = until(lambda: generation(host) >= 2, "reloaded")
            assert final
            before = load.count
            until(lambda: load.count > before + 100, "load goes on")
        load.check()
        equal(host.task("/count"), load.count + 1)


@case("check reports the same errors without a transport")
def check():
    with scripts_folder({"agent.lua": AGENT.replace('return "normal"', 'return return')}) as folder:
        done = command("check", "agent.lua", folder=folder)
        equal(done.returncode, 1)
        assert "agent.lua:" in done.stderr + done.stdout, done


# Answers with what `answer` holds.
PLAIN = """
local agent = agenthost.agent { name = "plain", endpoints = { { path = "/answer", task_type = "answer" } } }
agent:task("answer", function() return ANSWER end)
"""


def plain(answer):
    return PLAIN.replace("ANSWER", answer)


def answers(host, expected, timeout=5.0):
    until(lambda: host.post("/answer", {"query": ""}).json.get("result") == expected, f"the answer {expected!r}", timeout)


@case("the state is copied once: on_upgrade runs once on each worker, and what on_start writes stays")
def one_copy():
    with Host(AGENT, arguments=["--workers", "2"]) as host:
        save(host.script, AGENT.replace("return agent.state.count\n", "return agent.state\n") + """
local upgrades = 0
agent:on_upgrade(function(state) upgrades = upgrades + 1 state.upgrades = upgrades return state end)
agent:on_start(function() agent.state.started = (agent.state.started or 0) + agent.state.upgrades end)
""")
        until(lambda: generation(host) == 2, "reloaded")
        for _ in range(10):
            state = host.task("/count")
            equal((state["upgrades"], state["started"]), (1, 1))


@case("an on_start that fails puts the version before and its state back; requests that came meanwhile are answered by it")
def failed_start():
    with Host(AGENT) as host:
        equal([host.task("/count") for _ in range(3)], [1, 2, 3])
        version = host.health()["script"]["version"]
        save(host.script, AGENT + """
agent:on_start(function() agent.state.count = 1000 agenthost.log.info("starting") agenthost.sleep(1) error("not today") end)
""")
        until(lambda: "starting" in host.output(), "it starts")
        equal(host.task("/count"), 4)
        until(lambda: "not today" in (host.health()["script"]["reload_error"] or ""), "the failure is shown")
        equal(host.health()["script"]["version"], version)
        equal(host.task("/count"), 5)


@case("messages and requests wait while on_start runs, and none is lost")
def held():
    with Host(AGENT) as host:
        with Load(host, "/count", {"query": ""}) as load:
            until(lambda: load.count > 20, "load runs")
            for number in range(5):
                save(host.script, AGENT + f"\nagent:on_start(function() agenthost.sleep(0.2) end) -- {number}\n")
                until(lambda: generation(host) == number + 2, "reloaded")
        load.check()
        equal(host.task("/count"), load.count + 1)


@case("a state with objects, functions and coroutines in it reloads; one line says what stayed behind")
def not_plain():
    with Host(AGENT + """
agent.state.kept = { 1, 2 }
agent.state.object = setmetatable({ name = "o" }, { __index = { greet = function() end } })
agent.state.loose = { call = function() end, run = coroutine.create(function() end) }
""") as host:
        for number in range(3):
            save(host.script, AGENT.replace("return agent.state.count\n", f"return agent.state -- {number}\n"))
            until(lambda: generation(host) == number + 2, f"reload {number}; {host.health()['script']}")
        state = host.task("/count")
        equal((state["kept"], state["object"], state["loose"]), ([1, 2], {"name": "o"}, {}))
        equal(host.output().count("agent.state.object has a metatable"), 1)
        equal(host.output().count("agent.state.loose.call is a function"), 1)


@case("the next good save ends the load of an endless loop")
def endless():
    with Host(plain("1")) as host:
        save(host.script, plain("2") + "\nwhile true do end\n")
        time.sleep(0.4)  # it is loading: nothing tells of that from outside
        began = time.monotonic()
        save(host.script, plain("3"))
        answers(host, 3, 2.5)
        assert time.monotonic() - began < 2.5, "the budget of the loop, 5 s, was waited for"
        equal(host.health()["script"]["reload_error"], None)
        save(host.script, plain("4") + "\nagent:on_start(function() agenthost.sleep(20) end)\n")
        time.sleep(0.4)
        save(host.script, plain("5"))
        answers(host, 5, 2.5)


@case("a stop waits neither for a load nor for an on_start under way")
def stop_while_loading():
    for more in ("while true do end", "agent:on_start(function() agenthost.sleep(25) end)"):
        with Host(plain("1")) as host:
            save(host.script, plain("2") + f"\n{more}\n")
            time.sleep(0.4)  # it is loading: nothing tells of that from outside
            began = time.monotonic()
            equal(host.stop(), 0)
            assert time.monotonic() - began < 4, f"{more}: {time.monotonic() - began} s"


@case("a script behind a volume's swapped link (..data), as Kubernetes mounts a ConfigMap")
def config_map():
    with scripts_folder({"..one/agent.lua": plain("1"), "..two/agent.lua": plain('require "m"'), "..two/m.lua": "return 2"}) as folder:
        os.symlink("..one", folder / "..data")
        os.symlink("..data/agent.lua", folder / "agent.lua")
        with Host({}, agents=["agent.lua"], folder=folder) as host:
            answers(host, 1)
            os.symlink("..data/m.lua", folder / "m.lua")
            os.symlink("..two", folder / "..data_tmp")
            os.replace(folder / "..data_tmp", folder / "..data")
            answers(host, 2)
            (folder / "..three").mkdir()
            (folder / "..three/agent.lua").write_text(plain("3"))
            os.symlink("..three", folder / "..data_tmp")
            os.replace(folder / "..data_tmp", folder / "..data")
            shutil.rmtree(folder / "..two")
            answers(host, 3)


@case("a deployment that turns a link to its folder (ln -sfn), and a folder that is replaced, renamed or made again")
def folders():
    with scripts_folder({"one/agent.lua": plain("1"), "two/agent.lua": plain("2"), "three/agent.lua": plain("3")}) as folder:
        os.symlink("one", folder / "current")
        with Host({}, agents=["current/agent.lua"], folder=folder) as host:
            answers(host, 1)
            os.symlink("two", folder / "next")
            os.replace(folder / "next", folder / "current")
            answers(host, 2)
            (folder / "one/agent.lua").write_text(plain("0"))  # nobody looks at that one any more
            (folder / "two/agent.lua").write_text(plain("22"))
            answers(host, 22)
            os.rename(folder / "two", folder / "old")
            os.rename(folder / "three", folder / "two")
            answers(host, 3)
            shutil.rmtree(folder / "two")
            (folder / "two").mkdir()
            (folder / "two/agent.lua").write_text(plain("4"))
            answers(host, 4)
            os.remove(folder / "current")
            (folder / "current").mkdir()
            (folder / "current/agent.lua").write_text(plain("5"))
            answers(host, 5)
            os.rename(folder / "current", folder / "moved")
            (folder / "moved/agent.lua").write_text(plain("6"))
            os.rename(folder / "moved", folder / "current")
            answers(host, 6)


@case("modules below lib, behind a link, and where there was no folder yet")
def module_places():
    files = {"agent.lua": plain('require "m" + (pcall(require, "extra") and require "extra" or 0)'), "lib/m.lua": "return 1",
             "shared/deep/n.lua": "return 10"}
    with scripts_folder(files) as folder:
        with Host({}, agents=["agent.lua"], folder=folder) as host:
            answers(host, 1)
            (folder / "lib/m.lua").write_text("return 2")
            answers(host, 2)
            (folder / "lib/m.lua").unlink()
            os.symlink("../shared/deep/n.lua", folder / "lib/m.lua")
            answers(host, 10)
            (folder / "shared/deep/n.lua").write_text("return 20")
            answers(host, 20)
            (folder / "lua_modules/share/lua/5.4/extra").mkdir(parents=True)
            (folder / "lua_modules/share/lua/5.4/extra/init.lua").write_text("return 5")
            answers(host, 25)
            with open(folder / "shared/deep/n.lua", "w") as kept_open:
                kept_open.write("return 30")
                kept_open.flush()
                answers(host, 35)


@case("files that are written all the time beside the script keep no reload out")
def busy_folder():
    with Host(plain("1")) as host:
        ended = threading.Event()

        def write():
            number = 0
            while not ended.wait(0.02):
                number += 1
                (host.folder / "noise.txt").write_text(str(number))
                (host.folder / "noise.lua").write_text(f"return {number}")

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for number in range(2, 6):
                save(host.script, plain(str(number)))
                answers(host, number, 1.5)
        finally:
            ended.set()
            thread.join()


@case("a change whose event the system dropped, as too many had queued up, is noticed")
def overflow():
    with open("/proc/sys/fs/inotify/max_queued_events") as limit:
        queued = int(limit.read())
    with Host(plain("1")) as host:
        host.signal(signal.SIGSTOP)
        try:
            names = [host.folder / f"noise-{number}" for number in range(2)]
            # Two files in turn: an event that is equal to the one before it is not queued again.
            for number in range(queued // 2 + 10):
                with contextlib.suppress(FileNotFoundError):
                    os.remove(names[number % 2])
                names[number % 2].touch()
            save(host.script, plain("2"))
        finally:
            host.signal(signal.SIGCONT)
        answers(host, 2)


run()
