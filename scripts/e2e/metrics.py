"""GET /metrics: the figures of a host that has work, failures and reloads; and log lines for machines."""

import json
import re
import shutil
import subprocess

from support import *

AGENT = """
local agent = agenthost.realtime_agent {
  name = "measured",
  endpoints = { { path = "/sum", task_type = "sum" }, { path = "/slow", task_type = "slow" } },
}
agent:task("sum", function(task)
  agenthost.log.info("summing", { size = 3 })
  return (task.parameters.a or 0) + (task.parameters.b or 0)
end)
agent:task("slow", function() agenthost.sleep(60) end)
agent:on_message("readings", function(data, message)
  agenthost.log.info("a reading", { n = data.n, message = "of its own" })
  agent:send_kafka("alerts", { n = data.n })
  agent:emit { event_type = "noted", data = { n = data.n }, correlation_id = "corr-" .. data.n }
end, { source = "kafka" })
agent:on_event("noted", function(event) agenthost.log.info("an event") end)
agent:on_message("ward/+/pulse", function(data) end, { source = "mqtt" })
local function digest(data) error("cannot digest") end
agent:on_message("fragile", function(data) digest(data) return 1 end, { attempts = 2, backoff = 0.05, source = "kafka" })
agent:on_message("waits", function(data) agenthost.sleep(60) end, { source = "kafka" })
"""
LINE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Figures(dict):
    """One scrape: (name, labels) to value."""

    def __init__(self, text):
        super().__init__()
        self.text = text
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            found = LINE.fullmatch(line)
            assert found, f"not a line of the format: {line!r}"
            key = found[1], tuple(sorted(LABEL.findall(found[2] or "")))
            assert key not in self, f"twice: {line!r}"
            self[key] = float(found[3])

    def all(self, name, **labels):
        """The values of the series that have these labels, each under all of its own."""
        return {key[1]: value for key, value in self.items() if key[0] == name and labels.items() <= dict(key[1]).items()}

    def one(self, name, **labels):
        found = self.all(name, **labels)
        assert len(found) == 1, f"{name} {labels}: {found or self.text}"
        return next(iter(found.values()))

    def sum(self, name, **labels):
        return sum(self.all(name, **labels).values())


def scrape(host):
    answer = host.get("/metrics")
    equal(answer.status, 200)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4"), answer.headers
    return Figures(answer.body.decode())


def when(host, condition, what, timeout=20):
    """The first scrape for which the condition holds."""
    return until(lambda: condition(figures := scrape(host)) and figures, what, timeout, pause=0.1)


def handled(figures, kind, handler):
    return figures.sum("agenthost_handler_duration_seconds_count", kind=kind, handler=handler)


@case("counts messages, durations by handler and version, retries and dead letters, and what waits")
def work():
    with Host(AGENT, embedded=True, environment={"MAX_CONCURRENT_TASKS": "1"}) as host:
        version = host.health()["script"]["version"]
        for _ in range(3):
            host.task("/sum", {"a": 1, "b": 2})
        kcat_produce(host.kafka, "readings", *({"n": n} for n in range(20)), partition=1)
        kcat_produce(host.kafka, "fragile", {"n": 1}, partition=0)
        mqtt_publish(host.mqtt, "ward/1/pulse", {})
        mqtt_publish(host.mqtt, "ward/2/pulse", {})
        figures = when(
            host, lambda f: f.sum("agenthost_dead_letters_total") == 1 and handled(f, "message", "readings") == 20
            and handled(f, "message", "ward/+/pulse") == 2 and f.sum("agenthost_kafka_queued_records") == 0,
            "the work is done and counted", 40)
        equal(figures.one("agenthost_messages_total", agent="measured"), 3 + 20 + 1 + 2)
        equal(figures.one("agenthost_retries_total", agent="measured"), 1)
        equal(figures.one("agenthost_errors_total", agent="measured"), 2)
        equal(handled(figures, "task", "sum"), 3)
        equal(handled(figures, "message", "fragile"), 2)
        equal(handled(figures, "event", "noted"), 20)
        equal({dict(labels)["version"] for labels in figures.all("agenthost_handler_duration_seconds_count")}, {version})
        one = {"agent": "measured", "kind": "task", "handler": "sum", "version": version}
        buckets = figures.all("agenthost_handler_duration_seconds_bucket", **one)
        equal(figures.one("agenthost_handler_duration_seconds_bucket", le="+Inf", **one), 3)
        assert len(buckets) > 5 and 0 < figures.one("agenthost_handler_duration_seconds_sum", **one) < 3, buckets
        equal(figures.one("agenthost_connection_up", type="kafka"), 1)
        equal(figures.one("agenthost_connection_up", type="mqtt"), 1)
        equal(figures.one("agenthost_script_info", agent="measured", version=version), 1)
        equal(figures.one("agenthost_mqtt_unsettled_publications"), 0)
        assert 10_000 < figures.one("agenthost_lua_memory_bytes", agent="measured", worker="0") < 100e6
        when(host, lambda f: f.all("agenthost_kafka_lag_messages", topic="readings", partition="1", deliver="one")
             and f.sum("agenthost_kafka_lag_messages", topic="readings") == 0, "nothing lags")
        when(host, lambda f: f.sum("agenthost_loop_delay_seconds_count", worker="0") > 2, "the loop is measured")

        # Now what does not end: a message and its lag, and tasks of which one may run.
        kcat_produce(host.kafka, "waits", *({"n": n} for n in range(5)), partition=2)
        open_requests = [host.raw() for _ in range(3)]
        for raw in open_requests:
            raw.send(b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
                     b'{"query":""}')
        with host.websocket("/ws"):
            equal(scrape(host).one("agenthost_websockets"), 1)
            figures = when(
                host, lambda f: f.sum("agenthost_tasks_running") == 1 and f.sum("agenthost_kafka_lag_messages", topic="waits"),
                "what waits is seen")
        equal(figures.one("agenthost_tasks_queued", agent="measured", worker="0"), 2)
        equal(figures.one("agenthost_kafka_lag_messages", topic="waits", partition="2"), 5)
        equal(figures.one("agenthost_kafka_unacknowledged_messages", topic="waits", partition="2"), 5)
        equal(figures.one("agenthost_messages_under_way", worker="0"), 1)
        # It would wait for them when it stops.
        host.kill()
        host.was_killed = True


@case("counts reloads, good and bad, and forgets the handlers of a version that has left")
def reloads():
    with Host(AGENT) as host:
        host.task("/sum", {"a": 1})
        first = host.health()["script"]["version"]
        figures = scrape(host)
        equal([figures.one("agenthost_reloads_total", result=r) for r in ("success", "failure")], [0, 0])
        host.script.write_text(AGENT.replace("task.parameters.b or 0", "task.parameters.b or 10"))
        until(lambda: host.health()["script"]["version"] != first, "reloaded")
        equal(host.task("/sum", {"a": 1}), 11)
        second = host.health()["script"]["version"]
        figures = when(host, lambda f: not f.all("agenthost_handler_duration_seconds_count", version=first), "it has left")
        equal(figures.one("agenthost_handler_duration_seconds_count", handler="sum", version=second), 1)
        equal(figures.all("agenthost_script_info", version=first), {})
        host.script.write_text(AGENT + "\nerror('not today')\n")
        figures = when(host, lambda f: f.one("agenthost_reload_failed") == 1, "the failed reload is seen")
        equal([figures.one("agenthost_reloads_total", result=r) for r in ("success", "failure")], [1, 1])
        equal(figures.one("agenthost_script_generation"), 2)
        # Back to the first version: it is measured as if it had never been away.
        host.script.write_text(AGENT)
        until(lambda: host.health()["script"]["version"] == first, "reloaded")
        host.task("/sum", {"a": 1})
        figures = scrape(host)
        equal(figures.one("agenthost_handler_duration_seconds_count", handler="sum", version=first), 1)
        equal([figures.one("agenthost_reload_failed"), figures.one("agenthost_reloads_total", result="success")], [0, 2])


@case("several workers: each its own memory and loop, and no series twice")
def workers():
    with Host(AGENT, embedded=True, arguments=["--workers", "3"]) as host:
        kcat_produce(host.kafka, "readings", *({"n": n} for n in range(8)))
        # At least 8: while the consumers of the workers join one after the other, a message may come twice.
        figures = when(
            host, lambda f: handled(f, "message", "readings") >= 8 and len(f.all("agenthost_lua_memory_bytes")) == 3
            and f.all("agenthost_kafka_lag_messages", topic="readings")
            and len(f.all("agenthost_kafka_unacknowledged_messages", topic="readings")) == 4, "all are measured", 40)
        equal({dict(labels)["worker"] for labels in figures.all("agenthost_loop_delay_seconds_count")}, {"0", "1", "2"})


@case("promtool finds nothing wrong")
def promtool():
    if not shutil.which("promtool"):
        return note("promtool (Debian package prometheus) is not installed: skipped")
    with Host(AGENT, embedded=True) as host:
        host.task("/sum", {"a": 1})
        kcat_produce(host.kafka, "readings", {"n": 1})
        figures = when(host, lambda f: handled(f, "message", "readings") and f.all("agenthost_kafka_lag_messages"), "figures", 40)
        done = subprocess.run(
            ["promtool", "check", "metrics"], input=figures.text, text=True, timeout=30, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        equal((done.returncode, done.stdout), (0, ""))


def log_lines(host):
    return [json.loads(line) for line in host.output().splitlines() if line.startswith("{")]


@case("a JSON log line of a handler has agent, version, handler, message or task id, and correlation id")
def json_logs():
    with Host(AGENT, embedded=True, arguments=["--log-format", "json"], environment={"MQTT_PASSWORD": "hush-hush"}) as host:
        version = host.health()["script"]["version"]
        kcat_produce(host.kafka, "readings", {"n": 7}, partition=1)
        kcat_produce(host.kafka, "fragile", {"n": 1}, partition=2)
        with host.websocket("/ws") as socket:
            host.task("/sum", {"a": 1})
            task = socket.receive("realtime_event", lambda m: m["payload"]["event_type"] == "agent_task_started")
            task = task["payload"]["correlation_id"]

        def line(message, **fields):
            return until(
                lambda: next((one for one in log_lines(host) if message in one["message"]
                              and fields.items() <= one.items()), None), f"{message} {fields} in {host.output()}", 40)

        who = {"agent": "measured", "version": version}
        line("summing", level="info", handler="task sum", task_id=task, correlation_id=task, size=3, **who)
        # A field of the script's own never takes the place of the host's.
        line("a reading", handler="handler of readings", message_id="readings/1/0", n=7, field_message="of its own", **who)
        line("an event", handler="handler of event noted", message_id="readings/1/0", correlation_id="corr-7", **who)
        # An attempt that is not the last is a warning of one line; the last is the error, with the way to it.
        attempt = line("attempt 1 of 2 failed, the next in 0.05 s: agent.lua:", level="warning", attempt=1, attempts=2,
                       handler="handler of fragile", message_id="fragile/2/0", **who)
        assert "cannot digest" in attempt["message"] and "traceback" not in attempt, attempt
        failed = line("failed for good", level="error", attempt=2, handler="handler of fragile", message_id="fragile/2/0", **who)
        assert failed["error"].endswith(": cannot digest") and "in upvalue 'digest'" in failed["traceback"], failed
        assert "cannot digest" not in failed["traceback"], failed
        equal(len([one for one in log_lines(host) if "cannot digest" in json.dumps(one)]), 2)
        assert "hush-hush" not in host.output(), host.output()


@case("a text log line has the same fields behind its message, on one line")
def text_logs():
    with Host(AGENT) as host:
        version = host.health()["script"]["version"]
        host.task("/sum", {"a": 1})
        line = until(lambda: next((one for one in host.output().splitlines() if "summing" in one), None), "logged")
        assert re.fullmatch(
            rf'\S+ INFO summing agent=measured handler="task sum" size=3 task_id=[0-9a-f-]{{36}} version={version}', line), line


run()
