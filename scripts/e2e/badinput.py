"""Whatever a user, a client or a broker does wrong: one clear message, the right status, and the host goes on."""

import http.client
import json
import socket
import subprocess

from support import (
    Host, case, command, equal, kcat_produce, kcat_wait, line_of, mqtt_publish, run, scripts_folder, until,
)

AGENT = """
local agent = agenthost.realtime_agent {
  name = "strict",
  endpoints = {
    { path = "/ok", task_type = "ok" }, { path = "/function", task_type = "returns_function" },
    { path = "/cycle", task_type = "cycle" }, { path = "/utf8", task_type = "utf8" }, { path = "/nan", task_type = "nan" },
    { path = "/mixed", task_type = "mixed" }, { path = "/deep", task_type = "deep" },
    { path = "/mqtt", task_type = "mqtt_wildcard" }, { path = "/type", task_type = "wrong_type" },
    { path = "/constant", task_type = "constant" }, { path = "/field", task_type = "field" },
    { path = "/global", task_type = "global" }, { path = "/nothing", task_type = "nothing" },
    { path = "/table-error", task_type = "table_error" }, { path = "/topic", task_type = "topic" },
  },
}
agent:task("ok", function(task) return task.query end)
agent:task("returns_function", function() return { inner = { print } } end)
agent:task("cycle", function() local t = {} t.items = { { again = t } } return t end)
agent:task("utf8", function() return { text = "\\xff\\xfe" } end)
agent:task("nan", function() return { n = 0/0 } end)
agent:task("mixed", function() return { 1, 2, name = "x" } end)
agent:task("deep", function() local t = {} for _ = 1, 500 do t = { t } end return t end)
agent:task("mqtt_wildcard", function() agent:send_mqtt("a/+/b", {}) end) -- mqtt
agent:task("wrong_type", function() agent:send_kafka(5, {}) end) -- type
agent:task("constant", function() return agenthost.events.ALERT_TRIGERED end) -- constant
agent:task("field", function() agent:emit { event_typ = "x" } end) -- field
agent:task("global", function() return undefined_thing end) -- global
agent:task("nothing", function() end)
agent:task("table_error", function() error({ code = 5 }) end)
agent:task("topic", function() agent:send_kafka("no spaces allowed", {}) end) -- topic
agent:on_message("strict.in", function(data)
  if type(data) == "string" then error("not JSON: " .. data) end -- HERE
end, { attempts = 1 })
agent:on_message("strict.function", function() return function() end end, { attempts = 1 })
"""


@case("a result that is not JSON is 500 with the path of what is wrong")
def results():
    with Host(AGENT) as host:
        for path, words in (
            ("/function", "result.inner"), ("/cycle", "result.items"), ("/nan", "result.n"),
            ("/mixed", "result"), ("/deep", "result"),
        ):
            answer = host.post(path, {"query": ""})
            equal(answer.status, 500, path)
            assert answer.json["detail"].startswith("Agent processing failed: "), answer
            assert words in answer.json["detail"], (path, answer)
        equal(host.task("/utf8"), {"text": {"encoding": "base64", "base64": "//4="}}, "bytes travel as base64")
        equal(host.task("/nothing"), None, "no result is null")
        equal(host.post("/table-error", {"query": ""}).status, 500)
        equal(host.task("/ok", query="still here"), "still here")


@case("misuse of the API is an error that names the argument, and in the log the line")
def misuse():
    with Host(AGENT, embedded=True) as host:
        for path, words in (
            ("/mqtt", "a/+/b"), ("/type", "topic"), ("/constant", "ALERT_TRIGGERED"), ("/field", "event_type"),
            ("/global", "undefined_thing"), ("/topic", "no spaces allowed"),
        ):
            detail = host.post(path, {"query": ""}).json["detail"]
            assert words in detail, (path, detail)
            line = line_of(AGENT, f"-- {path[1:]}")
            assert "agent.lua" not in detail and f"ERROR agent.lua:{line}: " in host.output(), (path, detail)


@case("bodies: 3 MiB, broken JSON, invalid UTF-8")
def bodies():
    with Host(AGENT) as host:
        body = json.dumps({"query": "x" * (3 << 20)}).encode()
        try:
            answer = host.post("/ok", data=body, headers={"Content-Type": "application/json"})
            equal(answer.status, 413)
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            # The host need not read what it refuses; a client that only writes may miss the answer.
            pass
        equal(host.post("/ok", data=b"{bad json", headers={"Content-Type": "application/json"}).status, 422)
        equal(host.post("/ok", data=b'{"query":"\xff"}', headers={"Content-Type": "application/json"}).status, 400)
        equal(host.task("/ok", query="x" * (1 << 20)), "x" * (1 << 20))


@case("a Kafka or MQTT message that is not JSON reaches the handler as a string, and fails alone")
def messages():
    with Host(AGENT, embedded=True) as host:
        kcat_produce(host.kafka, "strict.in", b"{oops", partition=0)
        [record] = kcat_wait(host.kafka, "strict.in.dlq", 1)
        equal(record["payload"], "{oops")
        assert f"agent.lua:{line_of(AGENT, 'HERE')}: not JSON: {{oops" in record["headers"]["x-error"], record
        # MQTT's dead letters are in the topic of the agent: names of MQTT topics are not always names of Kafka's.
        mqtt_publish(host.mqtt, "strict.in", b"\xff\xfe")
        equal(kcat_wait(host.kafka, "strict.dlq", 1)[0]["headers"]["x-original-topic"], "strict.in")
        kcat_produce(host.kafka, "strict.function", {"n": 1})
        [record] = kcat_wait(host.kafka, "strict.function.dlq", 1)
        assert "function" in record["headers"]["x-error"], record
        equal(host.task("/ok", query="x"), "x")


@case("a script that cannot run ends the start with 1, file and line")
def scripts():
    for what, text, words in (
        ("a syntax error", "local agent = = 5\n", "agent.lua:1:"),
        ("a duplicate path", AGENT.replace("/function", "/ok"), "/ok"),
        ("an unknown field", AGENT.replace("name =", "nmae =", 1), "name"),
        ("a task without a handler", AGENT.replace('agent:task("ok"', 'agent:task("okay"'), 'task "ok"'),
        ("no agent", "print('hello')\n", "agent.lua:1"),
        ("two agents", AGENT + AGENT.replace("local agent", "local second"), "agent.lua:"),
        ("a missing module", "require 'nothing_here'\n", "nothing_here"),
        ("a wrong setting", AGENT.replace('name = "strict"', 'name = "strict", config = { task_timeout = "soon" }'), "soon"),
        ("an unknown setting", AGENT.replace('name = "strict"', 'name = "strict", config = { tsk_timeout = 5 }'), "task_timeout"),
        ("a built-in path", AGENT.replace('path = "/function"', 'method = "GET", path = "/health"'), "/health"),
    ):
        with scripts_folder({"agent.lua": text}) as folder:
            try:
                done = command("run", "agent.lua", "--port", "0", "--no-embedded", folder=folder, timeout=20)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{what} does not end the start") from None
            equal(done.returncode, 1, f"{what}: {done.stderr[-500:]}")
            assert words.lower() in done.stderr.lower(), f"{what}: {done.stderr[-500:]}"
            assert "Fatal error" not in done.stderr, done.stderr
    with scripts_folder({}) as folder:
        done = command("run", "missing.lua", folder=folder)
        equal(done.returncode, 1, done.stderr)
        assert "missing.lua" in done.stderr, done.stderr


@case("settings of the wrong kind end the start with the variable, its value and what was expected")
def settings():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        for name, value in (("PORT", "abc"), ("PORT", "70000"), ("WEBSOCKET_ENABLED", "perhaps"), ("TASK_TIMEOUT", "soon"),
                            ("MAX_CONCURRENT_TASKS", "0"), ("KAFKA_SECURITY_PROTOCOL", "FOO"), ("LOG_LEVEL", "LOUD")):
            done = command("run", "agent.lua", "--no-embedded", folder=folder, environment={name: value})
            equal(done.returncode, 1, f"{name}={value}: {done.stderr[-500:]}")
            assert name in done.stderr and value in done.stderr, f"{name}={value}: {done.stderr[-500:]}"
        done = command("run", "agent.lua", "--no-embedded", folder=folder,
                       environment={"MQTT_PORT": "x", "MQTT_PASSWORD": "sesame", "PORT": "y"})
        assert "MQTT_PORT" in done.stderr and "PORT" in done.stderr, "every wrong one is named"
        assert "sesame" not in done.stderr + done.stdout


@case("a port in use is exit code 3, and wrong usage 2")
def ports():
    with socket.socket() as taken, scripts_folder({"agent.lua": AGENT}) as folder:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = command("run", "agent.lua", "--port", port, "--no-embedded", folder=folder)
        equal(done.returncode, 3, done.stderr)
        assert str(port) in done.stderr, done.stderr
        for arguments in (["run"], ["run", "agent.lua", "--bogus"], ["dance"], ["run", "agent.lua", "--workers", "none"],
                          ["run", "agent.lua", "--port"]):
            done = command(*arguments, folder=folder)
            equal(done.returncode, 2, f"{arguments}: {done.stderr}")


@case("what clients break off in the middle does no harm")
def broken_off():
    with Host(AGENT) as host:
        for data in (b"", b"POST /ok HT", b"POST /ok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
                     b"GET /stream/events HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                     b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"):
            for _ in range(20):
                with host.raw() as connection:
                    connection.send(data)
        until(lambda: host.health()["connections"] == 0, "no connection is left")
        equal(host.task("/ok", query="x"), "x")


run()
