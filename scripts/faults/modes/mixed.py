"""Everything at once, at random, every few seconds another fault. --minutes 4.

Kafka to Kafka at 100 messages a second and MQTT to Kafka at 40, requests one after another. Kills, stops, good and broken saves;
brokers that freeze, are cut off, refuse or restart; clients that do not read. Faults of brokers overlap those of the host.

One host, a static member, on noida-db, which waits for ever for a member whose join was lost; librdkafka's mock cluster
(--broker mock, and there a second host joins and leaves) ends itself with a failed assertion in such a moment.
"""

import os
import threading
import time

import support
from brokers import NOIDA, KafkaBroker, Mosquitto
from kafka_traffic import GROUP, Copies, Feed
from ledger import Ledger
from proxy import CUT, REFUSED, Proxy
from readings import Readings

AGENT = """
local VERSION = %d
local agent = agenthost.realtime_agent {
  name = "mixed", endpoints = { { path = "/version", method = "POST", task_type = "version" } },
}
local function copy(data, message)
  local partition = message.partition or tonumber(message.topic:match("%%d+$"))
  agent:publish("feed", { padding = string.rep("x", 2000) })
  agent:send_kafka(message.partition and "copies" or "copied-readings", { p = partition, n = data.n }, { partition = partition })
end
agent:on_message("numbers", copy, { source = "kafka" })
agent:on_message("readings/+", copy, { source = "mqtt" })
agent:task("version", function() return { version = VERSION } end)
%s
"""
BROKEN = ["end end", 'error("not this one")', "while true do end"]
# How long after the last fault all must be well, in seconds.
WELL = 90


def run(plan):
    seconds = plan.seconds(240, 25)
    with KafkaBroker(plan.broker or NOIDA, plan.folder) as kafka, Mosquitto(plan.folder) as mqtt, \
            Proxy(kafka.address, is_kafka=True) as to_kafka, Proxy(mqtt.address) as to_mqtt:
        kafka.create("numbers", "copies", "copied-readings")
        _Mix(plan, kafka, mqtt, to_kafka, to_mqtt).run(seconds)


class _Mix:
    def __init__(self, plan, kafka, mqtt, to_kafka, to_mqtt):
        self.plan, self.random = plan, plan.random
        self.brokers = {"kafka": (kafka, to_kafka), "mqtt": (mqtt, to_mqtt)}
        self.kafka = kafka
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": to_kafka.address, "STREAMING_CONSUMER_GROUP": GROUP,
            "LOG_LEVEL": "CRITICAL"}
        self.mqtt_environment = {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(to_mqtt.port), "MQTT_CLIENT_ID": "mixed"}
        self.script = plan.folder / "agent.lua"
        self.version, self.first, self.second = 0, None, None
        self.codes, self.counts, self.sleepers, self.wrong, self.mended = [], {}, [], [], []
        self._save(0)

    def _save(self, version, broken=""):
        (self.plan.folder / "agent.lua.new").write_text(AGENT % (version, broken))
        os.replace(self.plan.folder / "agent.lua.new", self.script)

    def _start(self, has_mqtt=True):
        name = None if self.kafka.buries_the_dead else "first"
        environment = {
            **self.kafka.environment(name), **self.environment, **(self.mqtt_environment if has_mqtt else {})}
        return support.Host({}, agents=["agent.lua"], environment=environment, folder=self.plan.folder)

    # What may happen

    def kill(self):
        self.first.kill()
        self.first = self._start()

    def stop(self):
        self.codes.append(self.first.stop())
        self.first = self._start()

    def join_or_leave(self):
        if self.second is None:
            self.second = self._start(has_mqtt=False)
        elif self.random.random() < 0.5:
            self.codes.append(self.second.stop())
            self.second = None
        else:
            self.second.kill()
            self.second = None

    def save(self):
        self.version += 1
        self._save(self.version)

    def save_broken(self):
        self._save(-1, self.random.choice(BROKEN))
        time.sleep(self.random.uniform(0, 1))
        self.save()

    def sleep(self):
        """A client that opens a stream and does not read it."""
        client = self.first.raw()
        client.send(f"GET /stream/topic/feed HTTP/1.1\r\nHost: 127.0.0.1:{self.first.port}\r\n\r\n".encode())
        self.sleepers.append(client)

    def restart_mqtt(self):
        mqtt, proxy = self.brokers["mqtt"]
        if proxy.fault is None and not self.mended:
            mqtt.restart()

    def break_broker(self):
        """For some seconds, in which other things go on."""
        name = self.random.choice(sorted(self.brokers))
        broker, proxy = self.brokers[name]
        if any(other == name for _, other, _ in self.mended):
            return
        what = self.random.choice(["frozen", CUT, REFUSED])
        if what == "frozen":
            broker.freeze()
        else:
            proxy.fail(what)
        until = time.monotonic() + self.random.uniform(2, 12)
        self.mended.append((until, name, what))

    def _mend(self, all_of_them=False):
        for entry in [entry for entry in self.mended if all_of_them or entry[0] <= time.monotonic()]:
            self.mended.remove(entry)
            broker, proxy = self.brokers[entry[1]]
            broker.thaw()
            proxy.fail(None)

    # The run

    def run(self, seconds):
        ledgers = {"Kafka": Ledger(), "MQTT": Ledger()}
        kafka, mqtt = self.brokers["kafka"][0], self.brokers["mqtt"][0]
        happenings = [self.kill, self.stop, self.save, self.save, self.save_broken, self.sleep, self.restart_mqtt,
                      self.break_broker, self.break_broker] + [self.join_or_leave] * kafka.buries_the_dead
        self.first = self._start()
        support.until(lambda: self.first.health()["status"] == "healthy", "healthy", 30)
        copies = Copies(kafka.address, ledgers["Kafka"])
        copied = Copies(kafka.address, ledgers["MQTT"], topic="copied-readings")
        feed, stopping = Feed(kafka.address, ledgers["Kafka"], rate=100), threading.Event()
        asking = threading.Thread(target=self._ask, args=(stopping,), daemon=True)
        asking.start()
        try:
            with Readings(mqtt.port, ledgers["MQTT"], 40) as readings:
                ends = time.monotonic() + seconds
                while time.monotonic() < ends:
                    happening = self.random.choice(happenings)
                    self.counts[happening.__name__] = self.counts.get(happening.__name__, 0) + 1
                    happening()
                    pause = time.monotonic() + self.random.uniform(0.2, 4)
                    while time.monotonic() < pause:
                        self._mend()
                        time.sleep(0.05)
                    self.plan.progress(f"{happening.__name__}; " + "; ".join(
                        f"{name} {ledger.figures}" for name, ledger in ledgers.items()))
                self._mend(all_of_them=True)
                readings.stop()
            feed.stop()
            well = time.monotonic()
            support.until(lambda: not any(ledger.lost for ledger in ledgers.values())
                          or time.monotonic() - max(copies.last, copied.last) > WELL, "the rest", 600)
            health = self.first.health()
            stopping.set()
            asking.join(40)
            well = time.monotonic() - well
            self.codes.append(self.first.stop())
            if self.second is not None:
                self.codes.append(self.second.stop())
            copies.catch_up()
            copied.catch_up()
        finally:
            self._mend(all_of_them=True)
            for host in (self.first, self.second):
                if host is not None:
                    host.kill()
            for client in self.sleepers:
                client.socket.close()
        copies.stop()
        copied.stop()
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(self.counts.items()))
        for name, ledger in ledgers.items():
            self.plan.promise(f"{name}: nothing is lost", ledger.lost == 0, ledger.figures)
            self.plan.promise(f"{name}: in order", ledger.disordered == 0)
        self.plan.promise(f"all is well within {WELL} s of the last fault", well <= WELL and health["status"] == "healthy",
                          f"{well:.1f} s, {health['status']}")
        self.plan.promise("every stop is clean", not any(self.codes), f"{len(self.codes)} stops, exit codes {sorted(set(self.codes))}")
        self.plan.promise("no broken version answers", not self.wrong, self.wrong[:3] or counts)

    def _ask(self, stopping):
        """Whoever answers, no broken version does; that a host is away is no wonder here."""
        while not stopping.wait(0.05):
            try:
                answer = self.first.post("/version", {"query": ""}, timeout=20)
                if answer.status == 200 and answer.json["result"]["version"] < 0:
                    self.wrong.append(answer.json)
            except (OSError, ValueError, TypeError, support.http.client.HTTPException):
                pass
