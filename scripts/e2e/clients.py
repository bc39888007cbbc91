"""Clients written for agent-common, as they stand in its README, against examples/health.lua; and a Python consumer beside it.

clients/websocket.js, clients/events.js and clients/integration.py are that README's snippets without a change;
clients/harness.js is the web page around the first two.
"""

import asyncio
import contextlib
import importlib.util
import inspect
import json
import shutil
import subprocess
import sys
import time
import types

from support import ROOT, Host, Lines, case, equal, kcat_produce, note, run, until

CLIENTS = ROOT / "scripts/e2e/clients"
READING = {"device_id": "d1", "reading_type": "blood_pressure", "value": {"systolic": 150, "diastolic": 95}, "unit": "mmHg"}


def health(**options):
    return Host((ROOT / "examples/health.lua").read_text(), **options)


def node():
    """How to start a Node with a WebSocket; None, with a line that says so, where there is none."""
    program = shutil.which("node")
    for flags in ([], ["--experimental-websocket"]):
        if program and subprocess.run([program, *flags, "-e", "process.exit(globalThis.WebSocket ? 0 : 1)"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30).returncode == 0:
            return [program, *flags]
    note("skipped: no Node with a WebSocket (20.10 or newer) is installed")
    return None


@contextlib.contextmanager
def snippet(start, host, name):
    """The snippet at work; `wait` gives what it, or the page around it, next tells, from the first on."""
    with Lines(*start, str(CLIENTS / "harness.js"), f"http://127.0.0.1:{host.port}", str(CLIENTS / name)) as lines:
        taken = 0

        def wait(what, condition=lambda values: True):
            nonlocal taken

            def look():
                nonlocal taken
                while taken < len(lines.lines):
                    line = lines.lines[taken]
                    if not line.startswith("["):
                        # Node warns of what it calls experimental; anything else than that and JSON is an error.
                        assert lines.process.poll() is None, "\n".join(lines.lines)
                    elif condition(values := json.loads(line)):
                        taken += 1
                        return values
                    taken += 1
                assert lines.process.poll() is None, f"{name} ended: {lines.lines}"
                return None

            return until(look, f"{what}; so far {lines.lines[-5:]}")

        yield wait


@case("the README's WebSocket snippet subscribes, asks the agent and shows events, unmodified")
def websocket_snippet():
    start = node()
    if not start:
        return
    with health() as host, snippet(start, host, "websocket.js") as wait:
        equal(wait("the greeting")[0], "Received: connection_established")
        equal(wait("the subscription"),
              ["Received: subscription_confirmed", {"topic": "health_events", "subscriber_count": 1}])
        title, answer = wait("the answer", lambda values: values[0] == "Received: agent_response")
        equal((answer["success"], answer["error"], answer["result"]["risk"]), (True, None, "normal"))
        host.task("/process-vitals", {"readings": [READING]})
        title, event = wait("the alert", lambda v: v[0] == "Received: realtime_event" and v[1]["event_type"] == "alert_triggered")
        equal(event["data"]["alert"], "high_blood_pressure")
        host.post("/realtime/topic/health_events", {"n": 1})
        title, message = wait("the topic's message", lambda values: values[0] == "Received: topic_message")
        equal(message, {"topic": "health_events", "data": {"n": 1}})
        host.post("/realtime/broadcast", {"n": 2})
        equal(wait("the broadcast", lambda values: values[0] == "Received: broadcast")[1], {"n": 2})


@case("the README's EventSource snippet shows events as they happen, and opens the stream of a topic, unmodified")
def events_snippet():
    start = node()
    if not start:
        return
    with health(environment={"ALLOWED_ORIGINS": "http://localhost:8080"}) as host, snippet(start, host, "events.js") as wait:
        streams = {tuple(wait("a stream is open", lambda values: values[0] == "event stream")) for _ in range(2)}
        equal(streams, {("event stream", "/stream/events"), ("event stream", "/stream/topic/health_data")})
        host.task("/process-vitals", {"readings": [READING]})
        for event_type in ("agent_task_started", "data_processed", "alert_triggered", "agent_task_completed"):
            title, event = wait(event_type, lambda values: values[0] == "Real-time update:")
            equal(event["event_type"], event_type)
        host.post("/realtime/topic/health_data", {"n": 1})
        topic = ["event stream", "/stream/topic/health_data"]
        data = wait("the topic's message", lambda values: values[:2] == topic)[2]
        equal(json.loads(data), {"topic": "health_data", "data": {"n": 1}})


@case("curl follows a redirection of a slash too many with its method and body, and Node agrees on a subprotocol")
def redirection_and_subprotocol():
    agent = """
local agent = agenthost.realtime_agent { name = "a", endpoints = { { path = "/ask", task_type = "t" } },
  websocket_endpoints = { { path = "/ws/{id}", subprotocols = { "v2", "v1" } } } }
agent:task("t", function(task) return task.query end)
"""
    with Host(agent) as host:
        done = subprocess.run(
            ["curl", "-sSL", "-H", "Content-Type: application/json", "-d", '{"query": "hi"}', f"http://127.0.0.1:{host.port}/ask/"],
            capture_output=True, text=True, timeout=30)
        equal(json.loads(done.stdout)["result"], "hi", done.stderr)
        if start := node():
            program = (f"const s = new WebSocket('ws://127.0.0.1:{host.port}/ws/7', ['v0', 'v1']);"
                       "s.onopen = () => { console.log(s.protocol); s.close(); }; s.onerror = (e) => { console.log(e.message); process.exit(1) }")
            done = subprocess.run([*start, "-e", program], capture_output=True, text=True, timeout=30)
            equal(done.stdout.strip(), "v1", done.stderr)


class StarletteSocket:
    """What the snippet uses of starlette's WebSocketTestSession."""

    def __init__(self, socket):
        self.socket = socket

    def send_json(self, message):
        self.socket.connection.send(json.dumps(message))

    def receive_json(self):
        return self.socket.next()


class TestClient:
    """What the snippet uses of starlette's TestClient, over a real connection to the host."""

    __test__ = False

    def __init__(self, app):
        self.host = app

    @contextlib.contextmanager
    def websocket_connect(self, path):
        with self.host.websocket(path) as socket:
            # Before anything is asked, the server greets.
            equal(socket.next()["message_type"], "connection_established")
            yield StarletteSocket(socket)


def module(name, **values):
    made = types.ModuleType(name)
    vars(made).update(values)
    return made


@case("the README's Python integration test passes, unmodified, on a client of Python's websockets")
def python_integration():
    with health() as host:
        asked = []

        def create_realtime_agent_app(*arguments):
            asked.append(arguments)
            return host

        stand_ins = {"fastapi": module("fastapi"), "fastapi.testclient": module("fastapi.testclient", TestClient=TestClient),
                     "agent_common": module("agent_common", create_realtime_agent_app=create_realtime_agent_app)}
        marks = types.SimpleNamespace(mark=types.SimpleNamespace(asyncio=lambda test: test))
        names = {"pytest": marks, "MyRealtimeAgent": object()}
        text = (CLIENTS / "integration.py").read_text()
        before = {name: sys.modules.get(name) for name in stand_ins}
        sys.modules.update(stand_ins)
        try:
            exec(compile(text, str(CLIENTS / "integration.py"), "exec"), names)
            test = names["test_websocket_integration"]
            assert inspect.iscoroutinefunction(test)
            asyncio.run(test())
        finally:
            for name, earlier in before.items():
                if earlier is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = earlier
        equal(asked, [(names["MyRealtimeAgent"], ...)])


@case("a Python client subscribes, asks, pings and unsubscribes as the README's message types say")
def python_client():
    with health() as host, host.websocket("/ws/health") as socket:
        greeting = [socket.next() for _ in range(3)]
        equal([message["message_type"] for message in greeting], ["connection_established"] + ["subscription_confirmed"] * 2)
        equal({message["payload"]["topic"] for message in greeting[1:]}, {"health_events", "alerts"})
        request = {"query": "how is it?", "task_type": "analyze_health", "parameters": {"systolic": 150}}
        asked = socket.send("agent_request", request)
        answer = socket.receive("agent_response")
        equal((answer["response_to"], answer["payload"]["success"], answer["payload"]["result"]["risk"]), (asked, True, "high"))
        pinged = socket.send("ping", {})
        equal(socket.receive("pong")["response_to"], pinged)
        socket.send("unsubscribe", {"topic": "alerts"})
        equal(socket.receive("unsubscription_confirmed")["payload"], {"topic": "alerts"})
        host.task("/process-vitals", {"readings": [READING]})
        events = [m["payload"]["event_type"] for m in socket.before_pong() if m["message_type"] == "realtime_event"]
        equal(events, ["data_processed"], "without the topic, no alert")


SHARED = """
local agent = agenthost.realtime_agent { name = "shared", endpoints = { { path = "/seen", task_type = "seen" } } }
agent.state.seen = agenthost.array {}
agent:on_message("readings", function(data, message)
  table.insert(agent.state.seen, { n = data.n, partition = message.partition })
end, { source = "kafka" })
agent:task("seen", function() return agent.state.seen end)
"""


@case("a Python service on aiokafka shares its consumer group with the host: each message goes to one of them")
def aiokafka_group():
    if not importlib.util.find_spec("aiokafka"):
        note("skipped: aiokafka is not installed")
        return
    from aiokafka import AIOKafkaConsumer
    from aiokafka.errors import KafkaError

    async def python_service(host):
        # The mock cluster answers INVALID_REQUEST to a join that meets another one's end; a service is started again then.
        for attempt in range(5):
            consumer = AIOKafkaConsumer(
                "readings", bootstrap_servers=host.kafka, group_id="shared-group", auto_offset_reset="earliest")
            try:
                await consumer.start()
                break
            except KafkaError:
                await consumer.stop()
                if attempt == 4:
                    raise
        try:
            theirs, sent = [], 0
            deadline = time.monotonic() + 60

            async def read(seconds):
                for records in (await consumer.getmany(timeout_ms=int(seconds * 1000))).values():
                    theirs.extend((json.loads(record.value)["n"], record.partition) for record in records)

            def ours():
                return [(one["n"], one["partition"]) for one in host.task("/seen")]

            async def sent_round():
                nonlocal sent
                for partition in range(4):
                    await asyncio.to_thread(kcat_produce, host.kafka, "readings", {"n": sent}, partition=partition)
                    sent += 1

            # Until each has two of the four partitions; what comes before may be delivered to both.
            while len(consumer.assignment()) != 2:
                assert time.monotonic() < deadline, f"partitions of the Python consumer: {consumer.assignment()}"
                await read(0.1)
            mine = {partition.partition for partition in consumer.assignment()}
            first = sent
            while sent < first + 40:
                await sent_round()
            while len({n for n, _ in theirs} | {n for n, _ in await asyncio.to_thread(ours)}) < sent:
                assert time.monotonic() < deadline, f"{len(theirs)} and {len(ours())} of {sent}"
                await read(0.1)
            return theirs, await asyncio.to_thread(ours), mine, first
        finally:
            await consumer.stop()

    with Host(SHARED, embedded=True, environment={"STREAMING_CONSUMER_GROUP": "shared-group"}) as host:
        kcat_produce(host.kafka, "readings", {"n": -1}, partition=0)
        until(lambda: host.task("/seen"), "the host consumes", 30)
        try:
            theirs, ours, mine, first = asyncio.run(python_service(host))
        except KafkaError as error:
            # Not the host's doing: only librdkafka's mock cluster stands between the two here.
            return note(f"skipped: the mock cluster kept refusing the Python consumer: {error}")
        late = [[(n, partition) for n, partition in side if n >= first] for side in (theirs, ours)]
        equal(sorted(n for side in late for n, _ in side), list(range(first, first + 40)), "each once")
        equal({partition for _, partition in late[0]}, mine)
        equal({partition for _, partition in late[1]}, {0, 1, 2, 3} - mine)


run()
