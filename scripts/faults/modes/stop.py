"""SIGTERM under load with everything open that can be open, then a start again: --kills 20 times.

Kafka and MQTT traffic, an idle and a sleeping WebSocket, an event stream that nobody reads, a task of 30 seconds, requests
one after another.
"""

import json
import signal
import threading
import time

import support
from brokers import MOCK, KafkaBroker, Mosquitto
from kafka_traffic import COPIER, GROUP, Copies, Feed
from ledger import Ledger

AGENT = COPIER.replace('name = "copier"', """
  name = "copier",
  endpoints = { { path = "/slow", method = "POST", task_type = "slow" }, { path = "/quick", method = "POST", task_type = "quick" } },
""") + """
agent:task("slow", function() agenthost.sleep(30) return { slept = true } end)
agent:task("quick", function() return { ok = true } end)
agent:on_message("readings/+", function(data) agent:publish("readings", data) end, { source = "mqtt" })
agent:every(0.05, function() agent:publish("ticks", { padding = string.rep("x", 500) }) end)
"""
GRACE = 10


def run(plan):
    times = plan.kills(20, 2)
    ledger = Ledger()
    (plan.folder / "agent.lua").write_text(AGENT)
    with KafkaBroker(MOCK, plan.folder) as kafka, Mosquitto(plan.folder) as mqtt:
        kafka.create("numbers", "copies")
        environment = {**kafka.environment(), "STREAMING_CONSUMER_GROUP": GROUP, "MQTT_HOST": "127.0.0.1",
                       "MQTT_PORT": str(mqtt.port), "MQTT_CLIENT_ID": "soak"}
        feed, copies = Feed(kafka.address, ledger, rate=1_000), Copies(kafka.address, ledger)
        codes, seconds, late, statuses = [], [], [], []
        for number in range(times):
            host = support.Host({}, agents=["agent.lua"], environment=environment, folder=plan.folder)
            before = ledger.different
            support.until(lambda: ledger.different > before + 500, "it works", 40)
            took, code, status = _stop_under_load(plan, host, mqtt)
            codes.append(code)
            seconds.append(took)
            statuses.append(status)
            plan.progress(f"{number + 1}/{times} stopped in {took:.1f} s  {ledger.figures}")
        late = _cut_short(plan, environment)
        with support.Host({}, agents=["agent.lua"], environment=environment, folder=plan.folder):
            feed.stop()
            support.until(lambda: ledger.lost == 0 or time.monotonic() - copies.last > 30, "the rest", 90)
        copies.catch_up()
        copies.stop()
    plan.promise(f"{times} stops under load end with 0", set(codes) == {0}, f"exit codes {sorted(set(codes))}")
    plan.promise(f"each within {GRACE} s", max(seconds) <= GRACE + 0.5, f"slowest {max(seconds):.1f} s, fastest {min(seconds):.1f} s")
    plan.promise("the task that is cut off is told 503", set(statuses) == {503}, f"{sorted(set(map(str, statuses)))}")
    plan.promise("nothing is lost, and nothing that was handled before a stop comes again", ledger.lost == 0 == ledger.twice,
                 ledger.figures)
    plan.promise("every partition stays in order", ledger.disordered == 0)
    plan.promise("a second signal ends it at once: 143 and 130", late == [143, 130], f"exit codes {late}")


def _stop_under_load(plan, host, mqtt):
    """Seconds from SIGTERM to the end, the exit code, and what the slow task was answered."""
    publishing, status = threading.Event(), []

    def publish():
        number = 0
        while not publishing.is_set():
            support.mqtt_publish(mqtt.address, f"readings/{number % 5}", {"n": number})
            number += 1

    def ask():
        try:
            status.append(host.post("/slow", {"query": ""}, timeout=60).status)
        except OSError as error:
            status.append(error)

    threads = [threading.Thread(target=publish, daemon=True), threading.Thread(target=ask, daemon=True)]
    with support.Load(host, "/quick", {"query": ""}), host.websocket("/ws") as idle, host.raw() as sleeper, host.raw() as stream:
        sleeper.send(f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{host.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        stream.send(f"GET /stream/topic/ticks HTTP/1.1\r\nHost: 127.0.0.1:{host.port}\r\n\r\n".encode())
        idle.send("subscribe", {"topic": "ticks"})
        for thread in threads:
            thread.start()
        time.sleep(plan.random.uniform(0.3, 1.5))
        began = time.monotonic()
        code = host.stop(40)
        took = time.monotonic() - began
        publishing.set()
    for thread in threads:
        thread.join(30)
    return took, code, status[0] if status else None


def _cut_short(plan, environment):
    """The exit codes after a second SIGTERM, and a second SIGINT, with a task of 30 seconds under way."""
    codes = []
    for number in (signal.SIGTERM, signal.SIGINT):
        host = support.Host({}, agents=["agent.lua"], environment=environment, folder=plan.folder)
        threading.Thread(target=lambda: _try(lambda: host.post("/slow", {"query": ""})), daemon=True).start()
        support.until(lambda: json.loads(host.get("/health").body)["status"], "it answers")
        time.sleep(0.2)
        host.signal(number)
        support.until(lambda: "stopping" in host.output(), "it stops")
        host.signal(number)
        began = time.monotonic()
        codes.append(host.process.wait(20) % 256)
        assert time.monotonic() - began < 2, "the second signal was waited for"
    return codes


def _try(action):
    try:
        action()
    except OSError:
        pass
