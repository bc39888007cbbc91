"""agenthost beside itself: with 1,000 task endpoints, agents, MQTT handlers or WebSocket topics instead of one, each of them
used in turn; with 1,000 and 10,000 connections instead of 10; and with two workers instead of one, on two cores, for a task that
takes some 0.3 ms of processor time, so that the load beside it hardly counts. Flat within 20 % is 0.80 or more."""

from load import busy, fanout, mqtt, wrk
from measure import Comparison, alternate
from rows.json_task import AGENT, BODY, PATH
from rows.mqtt import host as mqtt_host
from rows.mqtt import mosquitto

MANY = 1000
FLAT = 0.8

ENDPOINTS = """
local endpoints = {}
for i = 1, %d do endpoints[i] = { path = "/task/" .. i, task_type = "task" .. i } end
local agent = agenthost.agent { name = "bench-endpoints", endpoints = endpoints }
for i = 1, #endpoints do
  agent:task("task" .. i, function(task) return { patient_id = task.parameters.patient_id, number = i } end)
end
"""
ONE_OF_MANY = """
local agent = agenthost.agent { name = "bench-%(number)d", endpoints = { { path = "/task/%(number)d", task_type = "task" } } }
agent:task("task", function(task) return { patient_id = task.parameters.patient_id, number = %(number)d } end)
"""
HANDLERS = """
local agent = agenthost.realtime_agent { name = "bench-handlers" }
for i = 0, %d do
  agent:on_message("in/" .. i, function(data) data.note = "seen" agent:send_mqtt("out", data) end, { source = "mqtt" })
end
"""
TOPICS = """
local topics = {}
for i = 0, %d do topics[#topics + 1] = "t/" .. i end
agenthost.realtime_agent { name = "bench-topics", websocket_endpoints = { { path = "/ws/all", auto_subscribe = topics } } }
"""
# About as much work as a busy handler does: a table of 2,000 numbers, filled, sorted and summed.
WORK = """
local agent = agenthost.agent { name = "bench-work", endpoints = { { path = "/analyze", task_type = "analyze" } } }
agent:task("analyze", function(task)
  local values, sum = {}, 0
  for i = 1, 1000 do values[i] = (i * 7919) % 1009 end
  table.sort(values)
  for i = 1, 1000 do sum = sum + values[i] * i end
  return { sum = sum }
end)
"""
ON_TWO = "server on one core, load on the other"


def paths(count):
    return [f"/task/{number}" for number in range(1, count + 1)]


def agents(count):
    return {f"agent{number}.lua": ONE_OF_MANY % {"number": number} for number in range(1, count + 1)}


def compare(title, peer, unit, pairs, target=FLAT, cores=ON_TWO, ours="with many"):
    return Comparison("scaling", title, peer, unit, pairs, target=target, cores=cores, ours=ours)


def over_http(bench, many, one):
    """Hosts with many things and with one beside each other, each path of theirs used in turn."""
    with bench.host(many) as large, bench.host(one) as small:
        for host, count in ((large, MANY), (small, 1)):
            wrk(bench, host, host.port, paths(count), BODY, 1)
        return alternate(
            bench.plan.rounds, lambda: wrk(bench, large, large.port, paths(MANY), BODY),
            lambda: wrk(bench, small, small.port, paths(1), BODY))


def over_mqtt(bench):
    with (mosquitto(bench) as large_at, mosquitto(bench) as small_at,
          mqtt_host(bench, large_at, agent=HANDLERS % (MANY - 1)) as large,
          mqtt_host(bench, small_at, agent=HANDLERS % 0) as small):
        return alternate(
            bench.plan.rounds, lambda: mqtt(bench, large, large_at, "in/%", "out", 100),
            lambda: mqtt(bench, small, small_at, "in/0", "out", 100))


def over_websockets(bench):
    """One WebSocket, which is subscribed to a thousand topics, and one that is to one."""
    with bench.host(TOPICS % (MANY - 1)) as large, bench.host(TOPICS % 0) as small:
        return alternate(
            bench.plan.rounds, lambda: fanout(bench, large, large.port, "/ws/all", "/realtime/topic/t/%", 1),
            lambda: fanout(bench, small, small.port, "/ws/all", "/realtime/topic/t/0", 1))


def over_connections(bench, host, count):
    return alternate(
        bench.plan.rounds, lambda: busy(bench, host, host.port, PATH, BODY, count),
        lambda: busy(bench, host, host.port, PATH, BODY, 10))


def over_workers(bench):
    # Both on all cores, and the load on them as well.
    with bench.host(WORK, core=bench.both, arguments=["--workers", "2"]) as two, bench.host(WORK, core=bench.both) as one:
        return alternate(
            bench.plan.rounds, lambda: wrk(bench, two, two.port, [PATH], BODY, core=bench.both),
            lambda: wrk(bench, one, one.port, [PATH], BODY, core=bench.both))


def run(bench):
    yield compare("1,000 endpoints", "1 endpoint", "requests", over_http(bench, ENDPOINTS % MANY, ENDPOINTS % 1))
    yield compare("1,000 agents", "1 agent", "requests", over_http(bench, agents(MANY), agents(1)))
    yield compare("1,000 MQTT handlers", "1 handler", "messages", over_mqtt(bench))
    yield compare("1,000 WebSocket topics", "1 topic", "deliveries", over_websockets(bench))
    with bench.host(AGENT) as host:
        for count in (1000, min(10_000, bench.most_files - 200)):
            yield compare(f"{count:,} connections", "10 connections", "requests", over_connections(bench, host, count))
    yield compare("2 workers", "1 worker", "requests", over_workers(bench), 1.8, "server and load on both cores", "with two")
