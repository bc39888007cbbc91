"""Numbered messages into a topic, and what came out of another, counted by a client that is not ours."""

import json
import threading
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from support import until

PARTITIONS = 4
GROUP = "soak"

COPIER = """
local agent = agenthost.realtime_agent { name = "copier" }
agent:on_message("numbers", function(data, message)
  agent:send_kafka("copies", { p = message.partition, n = data.n }, { partition = message.partition })
end, { source = "kafka" })
"""


class Feed:
    """Puts numbers 0, 1, 2 … into each partition of `numbers`, in order, on a thread of its own.

    `rate` is in messages a second over all partitions; None: as fast as the broker takes them. Each has `padding` bytes more.
    """

    def __init__(self, broker, ledger, count=None, rate=None, padding=0):
        self.ledger, self.count, self.rate = ledger, count, rate
        self.form = b'{"n":%%d,"padding":"%s"}' % (b"x" * padding) if padding else b'{"n":%d}'
        self.producer = Producer({
            "bootstrap.servers": broker, "enable.idempotence": True,
            # The mock cluster looks for an offset batch by batch from the first one on: few of them.
            "linger.ms": 100 if rate is not None else 5,
            "queue.buffering.max.messages": 200_000, "log_level": 2})
        self.failures = 0
        self._stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _delivered(self, error, message):
        if error is not None:
            self.failures += 1

    def _run(self):
        began, put = time.monotonic(), 0
        while not self._stopping.is_set() and (self.count is None or put < self.count):
            for partition in range(PARTITIONS):
                number = self.ledger.put_in(partition, 1)
                while True:
                    try:
                        self.producer.produce(
                            "numbers", self.form % number, partition=partition, on_delivery=self._delivered)
                        break
                    except BufferError:
                        self.producer.poll(0.05)
            put += PARTITIONS
            self.producer.poll(0)
            if self.rate is not None and (ahead := put / self.rate - (time.monotonic() - began)) > 0.005:
                self._stopping.wait(ahead)
        self.producer.flush(120)

    @property
    def is_done(self):
        return not self.thread.is_alive()

    def stop(self):
        """All that was put in is in the broker."""
        self._stopping.set()
        self.thread.join(130)
        assert self.is_done and not self.failures, f"the feed itself failed {self.failures} times"


class Copies:
    """Reads a topic from its beginning into the ledger, on a thread of its own."""

    def __init__(self, broker, ledger, topic="copies"):
        self.ledger, self.topic = ledger, topic
        self._broker = broker
        self.misplaced = 0
        self.last = time.monotonic()
        self._positions = [0] * PARTITIONS
        self._stopping = threading.Event()
        self._consumer = Consumer({
            "bootstrap.servers": broker, "group.id": "soak-reader", "enable.auto.commit": False,
            "fetch.wait.max.ms": 50, "allow.auto.create.topics": True, "log_level": 2})
        self._consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self._stopping.is_set():
            for message in self._consumer.consume(1000, 0.1):
                if message.error() is not None:
                    continue
                value, partition = json.loads(message.value()), message.partition()
                self.misplaced += value["p"] != partition
                self.ledger.out(partition, value["n"])
                self._positions[partition] = message.offset() + 1
                self.last = time.monotonic()
        self._consumer.close()

    def catch_up(self):
        """All that is in the topic now has been counted."""
        # Asked by another: the library answers no question while it consumes.
        asking = Consumer({"bootstrap.servers": self._broker, "group.id": "soak-ask", "log_level": 2})
        ends = [asking.get_watermark_offsets(TopicPartition(self.topic, partition), timeout=10)[1]
                for partition in range(PARTITIONS)]
        asking.close()
        until(lambda: all(position >= end for position, end in zip(self._positions, ends)), f"{self.topic} is read", 60)

    def stop(self):
        self._stopping.set()
        self.thread.join(30)


def committed(broker, group):
    """The group's committed offsets of `numbers`; a partition without one has 0."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": group, "enable.auto.commit": False, "log_level": 2})
    try:
        offsets = consumer.committed([TopicPartition("numbers", partition) for partition in range(PARTITIONS)], timeout=10)
        return [max(0, offset.offset) for offset in offsets]
    finally:
        consumer.close()
