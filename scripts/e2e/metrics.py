"""GET /metrics: the figures of a host that has work, failures and reloads; and log lines for machines."""

import json
import pathlib
import re
import shutil
import subprocess
import time

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
        age = "agenthost_kafka_oldest_unacknowledged_seconds"
        when(host, lambda f: f.one(age, topic="waits", partition="2") > 0, "the oldest message has an age", 30)
        [backlog] = host.get("/realtime/status").json["backlog"]
        shown = {(p["topic"], p["partition"]): p for p in backlog["partitions"]}["waits", 2]
        equal((shown["lag"], shown["unacknowledged"], shown["paused"]), (5, 5, False))
        equal((backlog["queued_records"], backlog["queue_capacity"]), (0, 100_000))
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


HTTP_AGENT = """
local agent = agenthost.realtime_agent {
  name = "asked",
  endpoints = {
    { path = "/room/{id}", task_type = "room" }, { path = "/room/{id}", method = "GET", task_type = "room" },
    { path = "/fails", task_type = "fails" },
  },
}
agent:task("room", function(task) agenthost.sleep(0.01) return task.path.id end)
agent:task("fails", function() error("broken") end)
"""


@case("counts HTTP requests by the template of their route, by method and status, with durations, over all loops")
def requests():
    with Host(HTTP_AGENT, arguments=["--workers", "3"]) as host:
        for number in range(30):
            equal(host.post(f"/room/secret-{number}", {"query": ""}).status, 200)
        equal(host.get("/room/secret-1?query=token").status, 200)
        equal(host.request("HEAD", "/room/secret-1?query=").status, 200)
        equal(host.request("DELETE", "/room/secret-1").status, 405)
        equal(host.request("BREW", "/room/secret-1").status, 405)
        equal(host.post("/fails", {"query": ""}).status, 500)
        equal(host.post("/fails", {}).status, 422)
        for number in range(5):
            equal(host.get(f"/secret-path-{number}").status, 404)
        with host.raw() as raw:
            raw.send(b"secret garbage\r\n\r\n")
            equal(raw.response().status, 400)
        equal(host.get("/health", headers={"Host": "secret.example"}).status, 421)
        with host.websocket("/ws") as client, host.stream("/stream/topic/secret-topic") as stream:
            client.receive("connection_established")
            equal(stream.status, 200)
        figures = scrape(host)
        room = {"route": "/room/{id}"}

        def count(**labels):
            return figures.one("agenthost_http_requests_total", **labels)

        equal(count(method="POST", status="200", **room), 30)
        equal(count(method="GET", status="200", **room), 1)
        equal(count(method="HEAD", status="200", **room), 1)
        equal([count(method=method, status="405", **room) for method in ("DELETE", "other")], [1, 1])
        equal([count(route="/fails", method="POST", status=status) for status in ("500", "422")], [1, 1])
        equal(count(route="unknown", method="GET", status="404"), 5)
        equal(count(route="unknown", method="other", status="400"), 1)
        equal(count(route="/health", method="GET", status="421"), 1)
        equal(count(route="/ws", method="GET", status="101"), 1)
        equal(count(route="/stream/topic/{topic:path}", method="GET", status="200"), 1)
        assert "secret" not in figures.text, figures.text
        name = "agenthost_http_request_duration_seconds"
        equal(figures.one(f"{name}_count", method="POST", **room), 30)
        buckets = sorted((float(dict(labels)["le"]), value)
                         for labels, value in figures.all(f"{name}_bucket", method="POST", **room).items())
        equal([value for _, value in buckets], sorted(value for _, value in buckets), "buckets add up")
        equal((buckets[-1], buckets[0][1]), ((float("inf"), 30), 0))
        assert 30 * 0.01 <= figures.one(f"{name}_sum", method="POST", **room) < 60
        # A reload takes no count back.
        version = host.health()["script"]["version"]
        host.script.write_text(HTTP_AGENT + "-- another")
        until(lambda: host.health()["script"]["version"] != version, "reloaded")
        host.post("/room/secret-9", {"query": ""})
        equal(scrape(host).one("agenthost_http_requests_total", method="POST", status="200", **room), 31)


@case("tells of the process what Prometheus' client libraries tell, and which version it is")
def process():
    with Host(HTTP_AGENT) as host:
        figures = scrape(host)
        equal(figures.one("agenthost_build_info", version=command("--version").stdout.strip()), 1)
        resident, _ = host.memory()
        within = lambda value, low, high: low <= value <= high or f"{value} is not from {low} to {high}"
        equal(within(figures.one("process_resident_memory_bytes") / 2**20, resident * 0.8, resident * 1.2), True)
        assert figures.one("process_virtual_memory_bytes") > figures.one("process_resident_memory_bytes")
        equal(within(figures.one("process_cpu_seconds_total"), 0.001, host.cpu() + 0.1), True)
        equal(within(figures.one("process_start_time_seconds"), time.time() - 60, time.time() + 2), True)
        soft = int(re.search(r"Max open files\s+(\d+)", pathlib.Path(f"/proc/{host.pid}/limits").read_text())[1])
        equal(figures.one("process_max_fds"), soft)
        opened = figures.one("process_open_fds")
        raws = [host.raw() for _ in range(7)]
        for raw in raws:
            raw.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            raw.response()
        equal(scrape(host).one("process_open_fds"), opened + 7)


PROMTOOL = "promtool (of Debian's package prometheus) is not there: skipped"
MONITORING = ROOT / "examples/monitoring"
SELECTOR = re.compile(r"\b((?:agenthost|process)_\w+)(?:\{([^}]*)\})?")
GROUPING = re.compile(r"\bby \(([^)]*)\)")
# What Prometheus adds to every series that it scrapes.
SCRAPED = {"job", "instance"}


def promtool_says(*arguments, text):
    done = subprocess.run(
        ["promtool", *arguments], input=text, text=True, timeout=30, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions():
    """Every query of the dashboard and the alerts, with where it stands."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    found = [(f"panel {panel['title']}", target["expr"]) for panel in panels(dashboard) for target in panel["targets"]]
    found += [(f"annotation {one['name']}", one["expr"]) for one in dashboard["annotations"]["list"]]
    for rule in (MONITORING / "alerts.yml").read_text().split("- alert: ")[1:]:
        expression = re.search(r"expr: (?:>\n)?(.*?)\n +(?:for|labels):", rule, re.S)
        found.append((f"alert {rule.split()[0]}", " ".join(expression[1].split())))
    return found


@case("every metric and label that the example dashboard and alerts name is there; promtool finds nothing wrong")
def monitoring():
    with Host(AGENT, embedded=True) as host:
        host.task("/sum", {"a": 1})
        kcat_produce(host.kafka, "readings", {"n": 1})
        figures = when(host, lambda f: handled(f, "message", "readings") and f.all("agenthost_kafka_lag_messages"), "figures", 40)
        known = {}
        for name, labels in figures:
            known.setdefault(name, set()).update(label for label, _ in labels)
        queries = expressions()
        assert len(queries) > 40, queries
        for place, query in queries:
            names = SELECTOR.findall(query)
            assert names or "up{" in query, f"{place}: {query}"
            labels = set(SCRAPED)
            for name, conditions in names:
                assert name in known, f"{place} asks for {name}, which /metrics does not have"
                labels |= known[name]
                for label in re.findall(r"(\w+)\s*[=!]~?\"", conditions):
                    assert label in known[name] | SCRAPED, f"{place}: {name} has no label {label}"
            for group in GROUPING.findall(query):
                missing = {label.strip() for label in group.split(",")} - labels
                assert not missing, f"{place}: nothing has the labels {missing}"
        if not shutil.which("promtool"):
            return note(PROMTOOL)
        equal(promtool_says("check", "metrics", text=figures.text), (0, ""))
        status, said = promtool_says("check", "rules", str(MONITORING / "alerts.yml"), text="")
        equal(status, 0, said)
        # The dashboard's queries as rules, with what Grafana puts in the place of its variables.
        rules = [{"record": f"query:{number}", "expr": query.replace("$__rate_interval", "5m").replace("$instance", ".*")}
                 for number, (_, query) in enumerate(queries)]
        with scripts_folder({"rules.yml": json.dumps({"groups": [{"name": "dashboard", "rules": rules}]})}) as folder:
            status, said = promtool_says("check", "rules", str(folder / "rules.yml"), text="")
            equal(status, 0, said)


@case("the example dashboard has what Grafana needs of one")
def dashboard():
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    equal(dashboard["id"], None, "an id is of the Grafana that has it")
    assert dashboard["title"] and dashboard["uid"] and dashboard["schemaVersion"] >= 36, dashboard
    assert {"from", "to"} <= set(dashboard["time"]), dashboard["time"]
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    equal((variables["datasource"]["type"], variables["datasource"]["query"]), ("datasource", "prometheus"))
    ids = [panel["id"] for panel in dashboard["panels"]]
    equal(len(ids), len(set(ids)), "ids of panels")
    taken = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken, f"{panel['title']} lies on another, or outside"
        taken |= cells
    for panel in panels(dashboard):
        assert panel["type"] in {"timeseries", "stat"} and panel["title"] and panel["fieldConfig"]["defaults"]["unit"], panel
        for target in [panel, *panel["targets"]]:
            equal(target["datasource"], {"type": "prometheus", "uid": "${datasource}"})
        refs = [target["refId"] for target in panel["targets"]]
        assert refs and len(refs) == len(set(refs)), panel["title"]
        for variable in re.findall(r"\$(?!__)\{?(\w+)", json.dumps(panel)):
            assert variable in variables, f"{panel['title']}: no variable {variable}"


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
