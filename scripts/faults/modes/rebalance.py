"""Hosts of one group join, leave and are killed in turn, 300 messages a second meanwhile. --kills 4, of some 16 steps.

The first nine steps, with two kills, are always the same; --quick takes five of them. The mock cluster gives a dead member up
after the session time-out, looking once a second, and then waits for a second less than that for all to join: so much is taken
for granted. noida-db gives up no dead member: there who would be killed leaves.
"""

import os
import subprocess
import sys
import time

import support
from brokers import MOCK, NOIDA, KafkaBroker
from kafka_traffic import COPIER, GROUP, PARTITIONS, Copies, Feed
from ledger import Ledger

SESSION = 6
FIRST = "join a, join b, leave a, join c, kill b, join d, kill c, join e, leave d"


def run(plan):
    for kind in [plan.broker] if plan.broker else [MOCK, NOIDA]:
        with KafkaBroker(kind, plan.folder) as broker:
            broker.create("numbers", "copies")
            group = _Group(plan, broker)
            try:
                group.through(_steps(plan))
            finally:
                group.end()


def _steps(plan):
    """The fixed ones with their two kills, then for each further kill a join, often a leave, and the kill."""
    steps = [tuple(step.split()) for step in FIRST.split(", ")]
    if plan.is_quick:
        return steps[:5]
    running, names = ["e"], iter(range(1000))
    for _ in range(plan.kills(4, 4) - 2):
        turn = ["kill"] + ["leave"] * (len(running) > 1)
        plan.random.shuffle(turn)
        for what in turn:
            if len(running) < 3:
                running.append(f"r{next(names)}")
                steps.append(("join", running[-1]))
            steps.append((what, running.pop(plan.random.randrange(len(running)))))
    return steps


class _Group:
    def __init__(self, plan, broker):
        self.plan, self.broker = plan, broker
        self.folder = plan.folder / f"{broker.kind}-agent"
        self.folder.mkdir()
        (self.folder / "agent.lua").write_text(COPIER)
        self.hosts, self.leaving, self.kills = {}, [], 0

    def _start(self, name):
        environment = {**self.broker.environment(session=SESSION), "STREAMING_CONSUMER_GROUP": GROUP}
        if os.environ.get("SOAK_PEER"):
            self.hosts[name] = _Peer(self.broker)
        else:
            self.hosts[name] = support.Host({}, agents=["agent.lua"], environment=environment, folder=self.folder)

    def _take(self, what, name):
        if what == "join":
            return self._start(name)
        host = self.hosts.pop(name)
        if what == "leave" or not self.broker.buries_the_dead:
            host.signal(15)
            self.leaving.append(host)
        else:
            self.kills += 1
            host.kill()

    def through(self, steps):
        ledger = Ledger()
        feed, copies = Feed(self.broker.address, ledger, rate=300), Copies(self.broker.address, ledger)
        # To notice the dead, to wait for the living, and to work off what has gathered.
        limit = SESSION + (SESSION if self.broker.kind == MOCK else 0) + 10
        slowest, stood = (0, ""), []
        for number, (what, name) in enumerate(steps):
            self._take(what, name)
            began = time.monotonic()
            marks = {lane: ledger.put_in(lane, 0) for lane in range(PARTITIONS)}

            def works():
                self.plan.progress(f"{self.broker.kind}: {number + 1}/{len(steps)} {what} {name}  {ledger.figures}")
                return all(ledger.first_missing(lane) >= mark for lane, mark in marks.items())

            try:
                support.until(works, "all partitions move", 60, pause=0.02)
            except AssertionError:
                behind = [mark - ledger.first_missing(lane) for lane, mark in marks.items()]
                stood.append(f"{what} {name}: partitions behind by {behind}")
            slowest = max(slowest, (time.monotonic() - began, f"{what} {name}"))
            # The next step comes in the middle of whatever the group does.
            time.sleep(self.plan.random.uniform(0, 3))
        feed.stop()
        support.until(lambda: ledger.lost == 0 or time.monotonic() - copies.last > 30, "the rest", 120)
        codes = [host.stop() for host in [*self.hosts.values(), *self.leaving]]
        copies.catch_up()
        copies.stop()
        kind = f"{self.broker.kind}, {len(steps)} steps, {self.kills} kills: "
        self.plan.promise(kind + "nothing is lost", ledger.lost == 0, ledger.figures)
        self.plan.promise(kind + "every partition stays in order", ledger.disordered == 0)
        self.plan.promise(kind + "who leaves ends cleanly", not any(codes), f"exit codes {codes}")
        self.plan.promise(kind + f"the group works again within {limit} s of every step", slowest[0] <= limit and not stood,
                          f"slowest {slowest[0]:.1f} s after {slowest[1]}, session time-out {SESSION} s; {'; '.join(stood)}")


    def end(self):
        """Nobody is left, whatever happened."""
        for host in [*self.hosts.values(), *self.leaving]:
            host.kill()


class _Peer:
    """With SOAK_PEER=1 a plain consumer in the host's place: whether a stall is the host's or the broker's."""

    PROGRAM = """
import json, signal, sys
from confluent_kafka import Consumer, Producer
broker, group, session = sys.argv[1:]
consumer = Consumer({"bootstrap.servers": broker, "group.id": group, "session.timeout.ms": int(session), "log_level": 2,
                     "enable.auto.commit": False, "auto.offset.reset": "earliest", "heartbeat.interval.ms": 1000})
producer = Producer({"bootstrap.servers": broker, "log_level": 2})
running = True
def end(*_):
    global running
    running = False
signal.signal(signal.SIGTERM, end)
consumer.subscribe(["numbers"])
while running:
    messages = [message for message in consumer.consume(100, 0.1) if message.error() is None]
    for message in messages:
        copy = {"p": message.partition(), "n": json.loads(message.value())["n"]}
        producer.produce("copies", json.dumps(copy), partition=message.partition())
    producer.flush()
    if messages:
        try:
            consumer.commit(asynchronous=False)
        except Exception:
            pass
consumer.close()
"""

    def __init__(self, broker):
        arguments = [broker.address, GROUP, str(SESSION * 1000)]
        self.process = subprocess.Popen([sys.executable, "-c", self.PROGRAM, *arguments])

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(20)
