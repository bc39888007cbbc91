"""A host between a Kafka and an MQTT broker that freeze, are cut off, refuse, are slow and restart, one after another.

40 messages a second go from each to the other, requests and looks at /health beside them. A fault that can be noticed lasts
until /health tells of it, 15 to 70 s; one cut is mended before.
"""

import contextlib
import time

import support
from brokers import MOCK, KafkaBroker, Mosquitto
from kafka_traffic import GROUP, Copies, Feed
from ledger import Ledger
from proxy import CUT, REFUSED, SLOW, Proxy
from readings import Answers, Readings
from watch import Watch

AGENT = """
local agent = agenthost.realtime_agent {
  name = "between", endpoints = { { path = "/quick", method = "POST", task_type = "quick" } },
}
agent:on_message("numbers", function(data, message)
  agent:send_mqtt("copies/" .. message.partition, { n = data.n })
end, { source = "kafka" })
agent:on_message("readings/+", function(data, message)
  local partition = tonumber(message.topic:match("%d+$"))
  agent:send_kafka("copies", { p = partition, n = data.n }, { partition = partition })
end, { source = "mqtt" })
agent:task("quick", function() return { ok = true } end)
"""
RATE = 40
# Seconds to notice a fault, to be well again after it, and to answer a request meanwhile.
NOTICE, RETURN, ANSWER = 60, 30, 1
LEAST, MOST = 15, 70
# What may come twice after a fault: two commit intervals of Kafka's, and what mosquitto has in flight to and from three clients.
AGAIN = 2 * RATE + 3 * 20
BOTH = {"kafka", "mqtt"}


def run(plan):
    (plan.folder / "agent.lua").write_text(AGENT)
    with contextlib.ExitStack() as stack:
        kafka = stack.enter_context(KafkaBroker(plan.broker or MOCK, plan.folder))
        mqtt = stack.enter_context(Mosquitto(plan.folder))
        proxies = {"kafka": stack.enter_context(Proxy(kafka.address, is_kafka=True)),
                   "mqtt": stack.enter_context(Proxy(mqtt.address))}
        kafka.create("numbers", "copies")
        environment = {
            **kafka.environment(None if kafka.buries_the_dead else "one"), "STREAMING_CONSUMER_GROUP": GROUP,
            "KAFKA_BOOTSTRAP_SERVERS": proxies["kafka"].address, "MQTT_HOST": "127.0.0.1",
            "MQTT_PORT": str(proxies["mqtt"].port), "MQTT_CLIENT_ID": "soak"}
        host = stack.enter_context(support.Host({}, agents=["agent.lua"], environment=environment, folder=plan.folder))
        ways = stack.enter_context(_Ways(kafka, mqtt))
        watch = stack.enter_context(Watch(host))
        ways.works(60)
        faults = _Faults(plan, {"kafka": kafka, "mqtt": mqtt}, proxies, ways, watch)
        for what, whom, seconds in _order(plan):
            faults.make(what, whom, seconds)
        ways.end()
        faults.judge()


def _order(plan):
    """What happens to whom, and for how many seconds; None: until it is noticed."""
    if plan.is_quick:
        return [(CUT, BOTH, None), (REFUSED, BOTH, LEAST)]
    faults = [
        ("frozen", {"kafka"}, None), ("frozen", {"mqtt"}, None), ("frozen", BOTH, None),
        (CUT, {"kafka"}, None), (CUT, {"mqtt"}, None), (CUT, BOTH, None), (CUT, BOTH, LEAST),
        (REFUSED, {"kafka"}, LEAST), (REFUSED, {"mqtt"}, LEAST), (REFUSED, BOTH, MOST),
        (SLOW, BOTH, 30), ("restarted", {"mqtt"}, 0)]
    plan.random.shuffle(faults)
    return faults


class _Ways:
    """Kafka to MQTT and MQTT to Kafka, each with its ledger."""

    def __init__(self, kafka, mqtt):
        self.ledgers = {"Kafka to MQTT": Ledger(), "MQTT to Kafka": Ledger()}
        forth, back = self.ledgers.values()
        self.answers = Answers(mqtt.port, forth)
        self.copies = Copies(kafka.address, back)
        self.feed = Feed(kafka.address, forth, rate=RATE)
        self.readings = Readings(mqtt.port, back, RATE)

    def works(self, within, meanwhile=lambda: None):
        """What is on its way now comes out, both ways; after how many seconds."""
        began = time.monotonic()
        marks = [(ledger, lane, ledger.put_in(lane, 0)) for ledger in self.ledgers.values() for lane in range(4)]
        while any(ledger.first_missing(lane) < mark for ledger, lane, mark in marks):
            if time.monotonic() - began > within:
                return float("inf")
            meanwhile()
            time.sleep(0.05)
        return time.monotonic() - began

    @property
    def figures(self):
        return "; ".join(f"{way} {ledger.figures}" for way, ledger in self.ledgers.items())

    def end(self):
        self.feed.stop()
        self.readings.stop()
        self.works(120)
        self.copies.catch_up()
        self.copies.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.readings.__exit__()
        self.answers.__exit__()


class _Faults:
    def __init__(self, plan, brokers, proxies, ways, watch):
        self.plan, self.brokers, self.proxies, self.ways, self.watch = plan, brokers, proxies, ways, watch
        self.noticed, self.returned, self.worked, self.strangers = [], [], [], []

    @contextlib.contextmanager
    def _fault(self, what, whom):
        try:
            for name in whom:
                if what == "frozen":
                    self.brokers[name].freeze()
                elif what == "restarted":
                    self.brokers[name].restart()
                else:
                    self.proxies[name].fail(what)
            yield
        finally:
            for name in whom:
                self.brokers[name].thaw()
                self.proxies[name].fail(None)

    def make(self, what, whom, seconds):
        """In the middle of quiet work: what was handled before is committed."""
        name = f"{what} {' and '.join(sorted(whom))}"
        time.sleep(self.plan.random.uniform(3, 6))
        self.watch.forget()
        began = time.monotonic()
        with self._fault(what, whom):
            lasts = MOST if seconds is None else seconds
            while (elapsed := time.monotonic() - began) < lasts:
                if seconds is None and lasts == MOST and whom <= self.watch.noticed.keys():
                    lasts = min(MOST, max(LEAST, elapsed + self.plan.random.uniform(0, 5)))
                self.plan.progress(f"{name} for {elapsed:.0f} s; {self.ways.figures}")
                time.sleep(0.05)
        ended = time.monotonic()
        if what == REFUSED or seconds is None:
            moments = [self.watch.noticed.get(one, float("inf")) for one in whom]
            self.noticed.append((max(moments) - began, name))
        worked = self.ways.works(120, lambda: self.plan.progress(f"{name} is over; {self.ways.figures}"))
        self.worked.append((worked, name))
        with contextlib.suppress(AssertionError):
            support.until(lambda: self.watch.is_healthy, "healthy", 60)
        self.returned.append((max(0, self.watch.last_degraded - ended), name))
        self.strangers += [(one, name) for one in self.watch.noticed.keys() - (set() if what == SLOW else whom)]

    def judge(self):
        promise, ways = self.plan.promise, self.ways

        def slowest(figures):
            return ", ".join(f"{name} {seconds:.1f} s" for seconds, name in sorted(figures, reverse=True)[:5])

        for way, ledger in ways.ledgers.items():
            promise(f"{way}: nothing is lost", ledger.lost == 0, ledger.figures)
            promise(f"{way}: in order", ledger.disordered == 0)
            promise(f"{way}: twice comes what was in flight, or not yet committed", ledger.twice <= AGAIN * len(self.worked),
                    f"{ledger.twice:,}; {len(self.worked)} faults, {AGAIN} each at the most")
        promise(f"/health tells of a broker that is gone within {NOTICE} s",
                all(seconds <= NOTICE for seconds, _ in self.noticed), slowest(self.noticed))
        promise(f"it is healthy within {RETURN} s of its return", all(seconds <= RETURN for seconds, _ in self.returned),
                slowest(self.returned))
        promise(f"what was on its way has arrived within {2 * RETURN} s of its return",
                all(seconds <= 2 * RETURN for seconds, _ in self.worked), slowest(self.worked))
        promise("neither the other broker nor one that is slow is taken for gone", not self.strangers, self.strangers or "")
        promise(f"every request is answered within {ANSWER} s meanwhile",
                self.watch.slowest <= ANSWER and not self.watch.refusals,
                f"slowest {self.watch.slowest * 1000:.0f} ms {self.watch.refusals[:3] or ''}")
