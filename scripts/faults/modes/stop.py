"""SIGTERM with everything under way and open that can be, then a start again. --kills 20 times.

Kafka and MQTT messages, requests one after another, a task of 30 seconds, a WebSocket that reads and one that does not, an
event stream that is not read. At the end the second signal, which does not wait.
"""

import contextlib
import os
import select
import signal
import threading
import time

import support
from brokers import MOCK, KafkaBroker, Mosquitto
from kafka_traffic import COPIER, GROUP, Copies, Feed
from ledger import Ledger
from readings import Answers, Readings

AGENT = COPIER.replace('name = "copier"', """
  name = "copier", endpoints = { { path = "/slow", task_type = "slow" }, { path = "/quick", task_type = "quick" } },
""") + """
agent:on_message("readings/+", function(data, message)
  agent:send_mqtt("copies/" .. message.topic:match("%d+$"), { n = data.n })
end, { source = "mqtt" })
agent:task("slow", function() agenthost.sleep(30) return { slept = true } end)
agent:task("quick", function() return { ok = true } end)
agent:every(0.05, function() agent:publish("ticks", { padding = string.rep("x", 20000) }) end)
"""
GRACE = 10
UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
STREAM = "GET /stream/topic/ticks HTTP/1.1\r\nHost: localhost\r\n\r\n"


def run(plan):
    times = plan.kills(20, 3)
    ledgers = {"Kafka": Ledger(), "MQTT": Ledger()}
    (plan.folder / "agent.lua").write_text(AGENT)
    with KafkaBroker(plan.broker or MOCK, plan.folder) as kafka, Mosquitto(plan.folder) as mqtt:
        kafka.create("numbers", "copies")
        environment = {**kafka.environment(), "STREAMING_CONSUMER_GROUP": GROUP, "MQTT_HOST": "127.0.0.1",
                       "MQTT_PORT": str(mqtt.port), "MQTT_CLIENT_ID": "soak"}

        def start():
            return support.Host({}, agents=["agent.lua"], environment=environment, folder=plan.folder)

        # From here on the broker keeps what comes for the session.
        start().stop()
        feed, copies = Feed(kafka.address, ledgers["Kafka"], rate=1_000), Copies(kafka.address, ledgers["Kafka"])
        with Answers(mqtt.port, ledgers["MQTT"]) as answers, Readings(mqtt.port, ledgers["MQTT"], 200) as readings:
            stops = []
            for number in range(times):
                with _Stop(start()) as stop:
                    stop.make(plan, ledgers.values())
                stops.append(stop)
                plan.progress(f"{number + 1}/{times} stopped in {stop.seconds:.2f} s; {_figures(ledgers)}")
            with start():
                feed.stop()
                readings.stop()
                support.until(lambda: not any(ledger.lost for ledger in ledgers.values())
                              or time.monotonic() - max(copies.last, answers.last) > 30, "the rest", 120)
        # Without messages, since those that are cut short come again.
        cut_short = [_cut_short(start(), number) for number in (signal.SIGTERM, signal.SIGINT)]
        copies.catch_up()
        copies.stop()
    _judge(plan, stops, cut_short, ledgers)


def _figures(ledgers):
    return "; ".join(f"{name} {ledger.figures}" for name, ledger in ledgers.items())


def _judge(plan, stops, cut_short, ledgers):
    codes, seconds = [stop.code for stop in stops], [stop.seconds for stop in stops]
    plan.promise(f"{len(stops)} stops end with 0", not any(codes), f"exit codes {sorted(set(codes))}")
    # The short form runs beside other tests, which keep the processor from a process that ends.
    most = GRACE + (0.5 if plan.is_quick else 0)
    plan.promise(f"each within {most} s", max(seconds) <= most, f"slowest {max(seconds):.2f} s, fastest {min(seconds):.2f} s")
    statuses = {stop.slow_status for stop in stops}
    plan.promise("the task that is cut off is answered with 503", statuses == {503}, ", ".join(map(str, statuses)))
    refused = {status for stop in stops for status in stop.load.statuses} - {200, 503}
    plan.promise("every other request is answered with 200, then 503", not refused, ", ".join(map(str, refused)))
    closes = {stop.close_code for stop in stops}
    plan.promise("a WebSocket is closed with 1001", closes == {1001}, ", ".join(map(str, closes)))
    for name, ledger in ledgers.items():
        plan.promise(f"{name}: nothing is lost, and what was handled before a stop does not come again",
                     ledger.lost == 0 == ledger.twice, ledger.figures)
        plan.promise(f"{name}: in order", ledger.disordered == 0)
    plan.promise("a second signal ends it at once, SIGTERM with 143 and SIGINT with 130",
                 [code for code, _ in cut_short] == [143, 130] and all(seconds < 1 for _, seconds in cut_short),
                 ", ".join(f"{code} after {seconds * 1000:.0f} ms" for code, seconds in cut_short))


def _ended(host):
    """Waits for the end; its exit code as a shell has it, and the seconds it took."""
    began = time.monotonic()
    process = os.pidfd_open(host.pid)
    select.select([process], [], [], 60)
    seconds = time.monotonic() - began
    os.close(process)
    return host.process.wait(1) % 256 if host.process.poll() is not None else None, seconds


class _Task(threading.Thread):
    """The task of 30 seconds, and how it was answered."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.host, self.status = host, None

    def run(self):
        try:
            self.status = self.host.post("/slow", {"query": ""}, timeout=60).status
        except OSError as error:
            self.status = type(error).__name__


class _Stop:
    """One life of a host, from its start to its stop with all of that open."""

    def __init__(self, host):
        self.host = host
        self.code = self.seconds = self.slow_status = self.close_code = None

    def make(self, plan, ledgers):
        before = [(ledger, ledger.different) for ledger in ledgers]
        support.until(lambda: all(ledger.different > count + 50 for ledger, count in before), "messages come", 60)
        with contextlib.ExitStack() as stack:
            self.load = stack.enter_context(support.Load(self.host, "/quick", {"query": ""}))
            reading = stack.enter_context(self.host.websocket("/ws"))
            for request in (UPGRADE, STREAM):
                stack.enter_context(self.host.raw()).send(request.encode())
            task = _Task(self.host)
            task.start()
            # By then the task is under way, and the stream's client behind, but not by so much that it would be ended.
            time.sleep(plan.random.uniform(0.5, 1.5))
            self.host.signal(signal.SIGTERM)
            self.code, self.seconds = _ended(self.host)
            self.close_code = reading.close_code()
            task.join(5)
            self.slow_status = task.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.host.kill()


def _cut_short(host, number):
    """The exit code after a second signal, and the seconds from it, with a task of 30 seconds under way."""
    try:
        task = _Task(host)
        task.start()
        support.until(lambda: host.health()["message_count"], "the task is under way")
        host.signal(number)
        support.until(lambda: "stopping" in host.output(), "it stops")
        host.signal(number)
        return _ended(host)
    finally:
        host.kill()
