"""Numbered messages into MQTT topics, and what came out of others."""

import json
import queue
import socket
import subprocess
import threading
import time

from support import until

TOPICS = 4


class Publisher:
    """Publishes to one topic at QoS 1, the next message once the one before is acknowledged, over as many connections as it takes.

    `mosquitto_pub` does not do: after a restart of the broker libmosquitto sends a new message before those that it has to send
    again, so that the broker itself has them out of order.
    """

    def __init__(self, port, topic):
        self.port, self.topic = port, topic.encode()
        self.waiting = queue.Queue()
        self._socket = None
        self._is_ended = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while (payload := self.waiting.get()) is not None:
            # MQTT 3.1.1 section 3.3: 0x32 is QoS 1, with 8 more when it is sent again.
            head = 0x32
            while not self._is_ended:
                try:
                    if self._socket is None:
                        self._connect()
                    self._send(head, len(self.topic).to_bytes(2, "big") + self.topic + b"\0\1" + payload)
                    if self._read(4) != b"\x40\x02\0\1":
                        raise ConnectionError("no PUBACK")
                    break
                except OSError:
                    self._close()
                    head = 0x3A
                    time.sleep(0.05)

    def _connect(self):
        self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # MQTT 3.1.1 section 3.1: protocol level 4, a clean session, no keep-alive, and an id that the broker chooses.
        self._send(0x10, b"\0\4MQTT\4\2\0\0\0\0")
        if self._read(4)[:2] != b"\x20\2":
            raise ConnectionError("no CONNACK")

    def _send(self, head, body):
        assert len(body) < 128
        self._socket.sendall(bytes([head, len(body)]) + body)

    def _read(self, count):
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise ConnectionError("closed")
            data += more
        return data

    def _close(self):
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def end(self):
        """At once, whatever waits."""
        self._is_ended = True
        self.waiting.put(None)
        self._close()


class Readings:
    """Puts numbers 0, 1, 2 … into each of `readings/0` to `readings/3` at QoS 1, in order, `rate` a second in all, up to
    `count`."""

    def __init__(self, port, ledger, rate, count=None):
        self.ledger, self.rate, self.count = ledger, rate, count
        self._publishers = [Publisher(port, f"readings/{topic}") for topic in range(TOPICS)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        began, put = time.monotonic(), 0
        while not self._stopping.wait(max(0, began + put / self.rate - time.monotonic())) and put != self.count:
            put += TOPICS
            for topic, publisher in enumerate(self._publishers):
                publisher.waiting.put(b'{"n":%d}' % self.ledger.put_in(topic, 1))

    def stop(self):
        """All that was put in is in the broker."""
        self._stopping.set()
        self._thread.join(10)
        for publisher in self._publishers:
            publisher.waiting.put(None)
        for publisher in self._publishers:
            publisher.thread.join(120)
            assert not publisher.thread.is_alive(), "the feed itself failed"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for publisher in self._publishers:
            publisher.end()


class Answers:
    """Counts what comes on `copies/0` to `copies/3`, in a session that the broker keeps while it restarts."""

    def __init__(self, port, ledger):
        self.ledger = ledger
        self.last = time.monotonic()
        self._reader = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", "-p", str(port), "-i", "soak-reader", "-c", "-q", "1", "-t", "copies/+",
             "-d", "-F", "%t %p"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self._subscribed = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        until(self._subscribed.is_set, "mosquitto_sub is subscribed", 20)

    def _run(self):
        for line in self._reader.stdout:
            if line.startswith("copies/"):
                topic, _, payload = line.partition(" ")
                self.ledger.out(int(topic[-1]), json.loads(payload)["n"])
                self.last = time.monotonic()
            elif line.startswith("Subscribed"):
                self._subscribed.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._reader.kill()
        self._reader.wait()
