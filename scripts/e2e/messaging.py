"""Kafka and MQTT in both directions over the embedded brokers, by kcat and mosquitto; and the examples as they stand."""

import contextlib
import json
import re
import shutil
import socket as sockets
import subprocess

from support import (
    ROOT, Host, Running, case, equal, kcat_produce, kcat_read, kcat_wait, line_of, mqtt_publish, mqtt_reader, run,
    scripts_folder, until,
)

AGENT = """
local agent = agenthost.realtime_agent {
  name = "copy",
  endpoints = { { path = "/do", task_type = "act" } },
  config = { streaming_topics = { "plain" } },
}
agent.state.seen = {}
local function see(topic, value) table.insert(agent.state.seen, { topic = topic, value = value }) end

agent:on_message("in", function(data, message)
  agent:send_kafka("out", {
    data = data, key = message.key, headers = message.headers, partition = message.partition,
    topic = message.topic, source = message.source, attempt = message.attempt, offset = message.offset,
  }, { key = message.key, headers = { ["x-copied"] = "yes" } })
end, { source = "kafka" })
agent:on_message("raw.in", function(data, message) agent:send_kafka("raw.out", message.raw) end, { source = "kafka" })
agent:on_message("ward/+/pulse", function(data, message)
  agent:send_mqtt("copied/" .. message.topic, { data = data, source = message.source })
end)
agent:on_message("deep/#", function(data, message) see(message.topic, data) end)
agent:on_message("both", function(data, message) see(message.source, data) end)
agent:on_message("fragile", function(data, message)
  see("fragile", message.attempt)
  error("cannot digest") -- HERE
end, { attempts = 2, backoff = 0.05 })
agent:on_message("skipped", function(data) see("skipped", data.n) if data.n == 1 then error("no") end end,
  { attempts = 1, on_error = "skip", source = "kafka" })
agent:task("act", function(task)
  local p = task.parameters
  if task.query == "seen" then return agenthost.array(agent.state.seen) end
  if task.query == "wildcard" then agent:send_mqtt("a/+/b", {}) end -- WILDCARD
  if task.query == "kafka" then
    agent:send_kafka(p.topic, p.value, p.options)
    local ok, message = agent:flush()
    return { ok = ok, message = message }
  end
end)
"""


def seen(host, topic, count=1, timeout=30):
    return until(
        lambda: (values := [one["value"] for one in host.task("/do", query="seen") if one["topic"] == topic])
        and len(values) >= count and values,
        f"{count} of {topic}", timeout)


@contextlib.contextmanager
def examples(*names, **options):
    """A host of examples as they stand, in a copy that the test may edit."""
    with scripts_folder({}) as folder:
        for name in names:
            shutil.copy(ROOT / "examples" / name, folder / name)
        with Host({name: "" for name in names}, agents=list(names), embedded=True, folder=folder, **options) as host:
            yield host


READING = {"device_id": "d1", "reading_type": "blood_pressure", "value": {"systolic": 150, "diastolic": 95}, "unit": "mmHg"}


@case("a reading of 150, by Kafka and by MQTT, is an alert on Kafka, on the WebSocket and in the event stream")
def health():
    with examples("health.lua") as host:
        answer = host.post("/analyze-health", {"query": "how is it", "parameters": {"systolic": 150, "diastolic": 95}})
        equal((answer.status, answer.json["result"]["risk"]), (200, "high"))
        with host.websocket("/ws/health") as socket, host.stream("/stream/events") as stream:
            socket.receive("subscription_confirmed")
            for number, send in enumerate((kcat_produce, mqtt_publish), 1):
                send(host.kafka if send is kcat_produce else host.mqtt, "blood_pressure", READING)
                event = socket.receive("realtime_event", lambda m: m["payload"]["event_type"] == "alert_triggered")
                equal(event["payload"]["data"]["alert"], "high_blood_pressure")
                equal(event["payload"]["data"]["reading"]["value"], READING["value"])
                event = stream.where(lambda e: e["data"]["event_type"] == "alert_triggered")
                equal(event["data"]["data"]["alert"], "high_blood_pressure")
                records = kcat_wait(host.kafka, "health_alerts", number)
                equal((records[-1]["key"], len(records)), ("d1", number))
                assert '"high_blood_pressure"' in records[-1]["payload"], records
        kcat_produce(host.kafka, "heart_rate", {"device_id": "d2", "reading_type": "heart_rate", "value": 30, "unit": "bpm"})
        alerts = kcat_wait(host.kafka, "health_alerts", 3)
        assert any('"low_heart_rate"' in record["payload"] for record in alerts), alerts
        result = host.task("/process-vitals", {"readings": [READING, {"device_id": "d3"}]})
        equal(result["processed"], 2)
        equal(result["results"][0], {"device_id": "d1", "findings": ["high_blood_pressure"]})
        assert "unit" in result["results"][1]["error"], result
        equal(host.task("/analyze-health", {"systolic": 120})["risk"], "normal")
        statistics = host.task("/analyze-health", {})["statistics"]
        equal((statistics["systolic"]["count"], statistics["heart_rate"]["lowest"]), (3, 30))
        kinds = {one["connection_type"]: one["status"] for one in host.get("/realtime/status").json["connections"]}
        equal(kinds, {"kafka": "connected", "mqtt": "connected"})


@case("Kafka: keys, headers, positions and source arrive, and leave")
def kafka():
    with Host(AGENT, embedded=True) as host:
        kcat_produce(host.kafka, "in", {"a": [1, None]}, key="k1", headers={"trace": "t-1"}, partition=2)
        [record] = kcat_wait(host.kafka, "out", 1)
        equal(json.loads(record["payload"]), {
            "data": {"a": [1, None]}, "key": "k1", "headers": {"trace": "t-1"}, "partition": 2, "topic": "in",
            "source": "kafka", "attempt": 1, "offset": 0})
        equal((record["key"], record["headers"]), ("k1", {"x-copied": "yes"}))
        kcat_produce(host.kafka, "in", b"not json at all")
        records = kcat_wait(host.kafka, "out", 2)
        assert any(json.loads(r["payload"])["data"] == "not json at all" for r in records), records
        kcat_produce(host.kafka, "raw.in", b'{ "spaces" :  1 }')
        equal(kcat_wait(host.kafka, "raw.out", 1)[0]["payload"], '{ "spaces" :  1 }')
        equal(host.task("/do", {"topic": "made.here", "value": {"n": 1}, "options": {"key": "x"}}, "kafka"), {"ok": True})
        equal(kcat_wait(host.kafka, "made.here", 1)[0]["payload"], '{"n":1}')


@case("MQTT: filters with + and #, and publishing")
def mqtt():
    with Host(AGENT, embedded=True) as host, mqtt_reader(host.mqtt, "copied/#") as reader:
        mqtt_publish(host.mqtt, "ward/3/pulse", {"n": 1})
        line = reader.wait(lambda line: line.startswith("copied/"), "the copy")
        topic, payload = line.split("\t")
        equal(topic, "copied/ward/3/pulse")
        assert '"mqtt"' in payload and '"n":1' in payload, payload
        mqtt_publish(host.mqtt, "deep/a/b/c", {"n": 2})
        mqtt_publish(host.mqtt, "deep", {"n": 3})
        equal(seen(host, "deep/a/b/c"), [{"n": 2}])
        equal(seen(host, "deep"), [{"n": 3}])
        answer = host.post("/do", {"query": "wildcard"})
        equal(answer.status, 500)
        assert "a/+/b" in answer.json["detail"], answer
        assert f"agent.lua:{line_of(AGENT, 'WILDCARD')}: " in host.output(), host.output()


@case("a topic without a source is subscribed on Kafka and on MQTT")
def both():
    with Host(AGENT, embedded=True) as host:
        kcat_produce(host.kafka, "both", {"from": "k"})
        mqtt_publish(host.mqtt, "both", {"from": "m"})
        equal(seen(host, "kafka"), [{"from": "k"}])
        equal(seen(host, "mqtt"), [{"from": "m"}])


@case("a failing message is tried again, then goes to the dead-letter topic as it was, with its story")
def dead_letters():
    with Host(AGENT, embedded=True) as host:
        kcat_produce(host.kafka, "fragile", b"\x01 odd bytes", key="k", partition=1)
        [record] = kcat_wait(host.kafka, "fragile.dlq", 1)
        equal((record["key"], record["payload"]), ("k", "\x01 odd bytes"))
        headers = record["headers"]
        equal({name: headers[name] for name in ("x-original-topic", "x-original-partition", "x-original-offset", "x-attempts")},
              {"x-original-topic": "fragile", "x-original-partition": "1", "x-original-offset": "0", "x-attempts": "2"})
        assert f"agent.lua:{line_of(AGENT, '-- HERE')}: cannot digest" in headers["x-error"], headers
        assert int(headers["x-original-timestamp"]) > 1_600_000_000_000, headers
        equal(headers["x-script-version"], host.health()["script"]["version"])
        equal(seen(host, "fragile", 2), [1, 2])
        mqtt_publish(host.mqtt, "fragile", {"n": 1})
        [record] = kcat_wait(host.kafka, "copy.dlq", 1)
        equal((record["payload"], record["headers"]["x-original-topic"]), ('{"n": 1}', "fragile"), "MQTT's go to Kafka too")
        kcat_produce(host.kafka, "skipped", {"n": 1}, {"n": 2}, partition=0)
        equal(seen(host, "skipped", 2), [1, 2])
        equal(kcat_read(host.kafka, "skipped.dlq"), [])


@case("without Kafka, MQTT's dead letters go to dlq/<topic>")
def mqtt_dead_letters():
    with scripts_folder({}) as folder:
        with Running(["broker"], folder) as broker:
            host_name, _, port = broker.mqtt.rpartition(":")
            with Host(AGENT, environment={"MQTT_HOST": host_name, "MQTT_PORT": port}) as host:
                equal(host.kafka, None)
                with mqtt_reader(broker.mqtt, "dlq/#") as reader:
                    until(lambda: host.get("/realtime/status").json["connections"][0]["status"] == "connected", "connected")
                    mqtt_publish(broker.mqtt, "fragile", {"n": 7})
                    line = reader.wait(lambda line: line.startswith("dlq/"), "the dead letter")
                    equal(line, 'dlq/fragile\t{"n": 7}')


@case("a topic without a handler becomes data_processed events")
def data_processed():
    with Host(AGENT, embedded=True) as host, host.websocket("/ws") as socket:
        kcat_produce(host.kafka, "plain", {"n": 1}, partition=3)
        event = socket.receive("realtime_event", lambda m: m["payload"]["event_type"] == "data_processed", timeout=30)
        equal(event["payload"]["data"], {"topic": "plain", "message": {"n": 1}, "partition": 3, "offset": 0})


@case("gateway.lua shows its topics to WebSockets")
def gateway():
    with examples("gateway.lua") as host, host.websocket("/ws") as socket, host.stream("/stream/events") as stream:
        equal(host.get("/realtime/status").json["active_streams"], ["orders", "sensor_readings"])
        kcat_produce(host.kafka, "orders", {"order": 1})
        event = socket.receive("realtime_event", timeout=30)["payload"]
        equal((event["event_type"], event["data"]["topic"], event["data"]["message"]),
              ("data_processed", "orders", {"order": 1}))
        equal(stream.next()["data"]["data"]["message"], {"order": 1})


@case("ingest.lua and processor.lua, in one host: HTTP to Kafka to a summary")
def ingest_and_processor():
    with examples("ingest.lua", "processor.lua") as host, host.stream("/stream/topic/reading_summaries") as stream:
        for value in (20, 22):
            equal(host.task("/readings", {"device_id": "d1", "value": value}), {"accepted": "d1"})
        equal(host.post("/readings", {"query": "", "parameters": {"device_id": "d1"}}).status, 422)
        equal(len(kcat_wait(host.kafka, "readings", 2)), 2)
        total, count = 0, 0
        while count < 2:
            summary = stream.next()["data"]["data"]
            equal(summary["device_id"], "d1")
            count += summary["count"]
            total += summary["mean"] * summary["count"]
        equal((count, total), (2, 42))
        assert json.loads(kcat_wait(host.kafka, "reading_summaries", 1)[0]["payload"])["count"] >= 1


@case("hello.lua greets")
def hello():
    with examples("hello.lua") as host:
        equal(host.task("/hello", query="Ada"), {"message": "Hello, Ada!"})


@case("brokers that are away leave HTTP, WebSocket and SSE at work, and the host degraded")
def away():
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "MQTT_HOST": "127.0.0.1", "MQTT_PORT": "9"}
    with Host(AGENT, environment=environment) as host:
        until(lambda: host.health()["status"] == "degraded", "degraded")
        equal(host.get("/health").status, 200)
        equal(host.task("/do", query="seen"), [])
        with host.websocket("/ws") as socket:
            socket.receive("connection_established")
        for connection in until(
                lambda: [one for one in host.get("/realtime/status").json["connections"] if one["error_message"]],
                "an error is shown"):
            assert connection["status"] in ("connecting", "reconnecting", "error", "disconnected"), connection


@case("a broker that comes back is used again")
def back():
    with sockets.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def mosquitto():
        process = subprocess.Popen(["mosquitto", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: sockets.socket().connect_ex(("127.0.0.1", port)) == 0, "mosquitto listens")
        return process

    broker = mosquitto()
    try:
        with Host(AGENT, environment={"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(port)}) as host:
            until(lambda: host.health()["status"] == "healthy", "healthy")
            broker.terminate()
            broker.wait()
            until(lambda: host.health()["status"] == "degraded", "degraded")
            broker = mosquitto()
            until(lambda: host.health()["status"] == "healthy", "healthy again", 30)
            mqtt_publish(f"127.0.0.1:{port}", "deep/x", {"n": 1})
            equal(seen(host, "deep/x"), [{"n": 1}])
    finally:
        broker.terminate()
        broker.wait()


STOPPING = """
local agent = agenthost.agent { name = "worker" }
agent:on_message("jobs", function(data) error("cannot do it") end, { attempts = 1, on_error = "stop", source = "kafka" })
"""
DOING = """
local agent = agenthost.agent { name = "worker" }
agent:on_message("jobs", function(data) agent:send_kafka("done", data) end, { source = "kafka" })
"""


@case("partitions that stand still go to another host at once: what waits in them holds up no rebalance")
def standing_still():
    with scripts_folder({}) as folder, Running(["broker"], folder) as broker:
        environment = {"KAFKA_BOOTSTRAP_SERVERS": broker.kafka, "STREAMING_CONSUMER_GROUP": "workers"}
        for partition in range(4):
            kcat_produce(broker.kafka, "jobs", *({"n": n} for n in range(3)), partition=partition)
        with Host(STOPPING, environment=environment) as first:
            until(lambda: re.search(rb"agenthost_stopped_lanes{[^}]*} 4", first.get("/metrics").body), "all stand still", 40)
            with Host(DOING, environment=environment):
                until(lambda: kcat_read(broker.kafka, "done"), "the second host does a part", 40, pause=0.2)
            assert "given up while handlers still run" not in first.output(), first.output()


MANY = """
local agent = agenthost.realtime_agent { name = "many" }
agent.state.count = 0
for number = 1, 1000 do
  agent:on_message("room/" .. number .. "/temp", function() agent.state.count = agent.state.count + 1 end, { source = "mqtt" })
end
agent:every(0.05, function() agent:publish("count", agent.state.count) end)
"""


@case("once the ready file is there, every MQTT topic is subscribed to, and no message comes too early")
def ready():
    with Host(MANY, embedded=True) as host:
        for number in (1000, 1, 500):
            mqtt_publish(host.mqtt, f"room/{number}/temp", 21)
        with host.stream("/stream/topic/count") as stream:
            stream.where(lambda event: event["data"]["data"] == 3)


run()
