"""Several agents in one host: what they share, what is each one's own, and what cannot be shared."""

import json

from support import Host, case, command, equal, kcat_produce, kcat_wait, run, scripts_folder, until

WARD = """
local agent = agenthost.realtime_agent {
  name = "ward", endpoints = { { path = "/admit", task_type = "admit" } },
  websocket_endpoints = { { path = "/ws/ward", auto_subscribe = { "beds" } } },
}
agent.state.heard = agenthost.array {}
agent:task("admit", function(task)
  agent:emit { event_type = "admitted", topic = "beds", data = { bed = task.parameters.bed } }
  return { heard = agent.state.heard }
end)
agent:on_event("logged", function(event) table.insert(agent.state.heard, event.data.entry) end)
agent:on_message("both", function(data) agent:send_kafka("ward.out", data) end, { source = "kafka" })
"""

LOG = """
local agent = agenthost.realtime_agent {
  name = "log", endpoints = { { path = "/entries", task_type = "entries" } },
}
agent.state.entries = agenthost.array {}
agent:on_event("admitted", function(event)
  table.insert(agent.state.entries, event.source_service .. " " .. event.data.bed)
  agent:emit { event_type = "logged", data = { entry = #agent.state.entries } }
end)
agent:task("entries", function() return agent.state.entries end)
agent:on_message("both", function(data) agent:send_kafka("log.out", data) end, { source = "kafka" })
"""

PLAIN = """
local agent = agenthost.agent { name = "plain", endpoints = { { path = "/plain", task_type = "plain" } } }
agent:task("plain", function(task) return task.query end)
"""

FILES = {"ward.lua": WARD, "log.lua": LOG, "plain.lua": PLAIN}
AGENTS = ["ward.lua", "log.lua", "plain.lua"]


@case("events of one agent reach the handlers of the others, on every worker, and every client")
def events():
    for workers in ("1", "2"):
        with Host(FILES, agents=AGENTS, arguments=["--workers", workers]) as host, host.websocket("/ws/ward") as client:
            host.task("/admit", {"bed": 4})
            equal(client.receive("realtime_event", lambda m: m["payload"]["event_type"] == "admitted")["payload"]["data"],
                  {"bed": 4})

            # Each worker has a state of its own: one of them has the entry.
            until(lambda: host.task("/entries") == ["ward 4"], "the other agent has the event")
            until(lambda: host.task("/admit", {"bed": 4})["heard"], "and was heard in turn")
            equal(host.post("/plain", {"query": "as ever"}).json["result"], "as ever")


@case("a topic that two agents handle reaches both, once each")
def shared_topic():
    with Host(FILES, agents=AGENTS, embedded=True) as host:
        kcat_produce(host.kafka, "both", *[{"n": n} for n in range(5)], partition=0)
        for topic in ("ward.out", "log.out"):
            records = kcat_wait(host.kafka, topic, 5)
            equal(sorted(json.loads(record["payload"])["n"] for record in records), list(range(5)), topic)
        equal(host.get("/realtime/status").json["active_streams"], ["both"])


@case("/health, /capabilities and /realtime/status describe the first at the top and all under agents")
def described():
    with Host(FILES, agents=AGENTS) as host:
        health = host.health()
        equal((health["service"], health["status"]), ("ward", "healthy"))
        equal(list(health["agents"]), ["ward", "log", "plain"])
        for name, agent in health["agents"].items():
            equal((agent["service"], agent["script"]["generation"]), (name, 1))
        equal({name: agent["supported_task_types"] for name, agent in host.get("/capabilities").json["agents"].items()},
              {"ward": ["admit"], "log": ["entries"], "plain": ["plain"]})
        equal(set(host.get("/realtime/status").json["agents"]), {"ward", "log", "plain"})


@case("agents are reloaded on their own: one that breaks is named, the others stay as they are")
def reloaded():
    with Host(FILES, agents=AGENTS) as host:
        (host.folder / "plain.lua").write_text(PLAIN.replace("return task.query", "return task.query .. '!'"))
        until(lambda: host.post("/plain", {"query": "new"}).json["result"] == "new!", "the new version serves")
        health = host.health()["agents"]
        equal({name: agent["script"]["generation"] for name, agent in health.items()}, {"ward": 1, "log": 1, "plain": 2})
        (host.folder / "log.lua").write_text("local x =")
        until(lambda: host.health()["agents"]["log"]["script"]["reload_error"], "the error is shown")
        health = host.health()
        equal(health["status"], "degraded")
        assert "log.lua:1" in health["agents"]["log"]["script"]["reload_error"], health
        equal([health["agents"][name]["script"]["reload_error"] for name in ("ward", "plain")], [None, None])
        equal(host.task("/entries"), [])


@case("paths, and names, that clash end the start with both agents; a reload that would clash changes nothing")
def clashes():
    twin = PLAIN.replace('"plain", endpoints', '"twin", endpoints')
    namesake = PLAIN.replace('"/plain"', '"/other"')
    files = {**FILES, "twin.lua": twin, "namesake.lua": namesake}
    with scripts_folder(files) as folder:
        for second, words in (("twin.lua", ("/plain", "twin")), ("namesake.lua", ("plain",))):
            for how in (["run", "--port", "0", "--no-embedded"], ["check"]):
                done = command(*how, "plain.lua", second, folder=folder)
                equal(done.returncode, 1, f"{how} {second}: {done.stdout}{done.stderr}")
                for word in words:
                    assert word in done.stderr, f"{word} in {done.stderr}"
        equal(command("run", "plain.lua", "plain.lua", folder=folder).returncode, 2)
    with Host(FILES, agents=AGENTS) as host:
        (host.folder / "log.lua").write_text(LOG.replace('"/entries"', '"/plain"'))
        until(lambda: host.health()["agents"]["log"]["script"]["reload_error"], "the clash is shown")
        assert "/plain" in host.health()["agents"]["log"]["script"]["reload_error"], host.health()
        equal(host.task("/entries"), [])
        equal(host.post("/plain", {"query": "as ever"}).json["result"], "as ever")


run()
