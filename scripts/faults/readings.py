"""Numbered messages into MQTT topics, and what came out of others, by the clients of mosquitto."""

import json
import subprocess
import threading
import time

from support import until

TOPICS = 4


class Readings:
    """Puts numbers 0, 1, 2 … into each of `readings/0` to `readings/3` at QoS 1, in order, `rate` a second in all, up to
    `count`."""

    def __init__(self, port, ledger, rate, count=None):
        self.ledger, self.rate, self.count = ledger, rate, count
        self._publishers = [
            subprocess.Popen(
                ["mosquitto_pub", "-l", "-p", str(port), "-i", f"soak-feed-{topic}", "-q", "1", "-t", f"readings/{topic}"],
                stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for topic in range(TOPICS)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        began, put = time.monotonic(), 0
        while not self._stopping.wait(max(0, began + put / self.rate - time.monotonic())) and put != self.count:
            put += TOPICS
            for topic, publisher in enumerate(self._publishers):
                publisher.stdin.write(b'{"n":%d}\n' % self.ledger.put_in(topic, 1))
                publisher.stdin.flush()

    def stop(self):
        """All that was put in is in the broker."""
        self._stopping.set()
        self._thread.join(10)
        for publisher in self._publishers:
            publisher.stdin.close()
        codes = [publisher.wait(60) for publisher in self._publishers]
        assert not any(codes), f"the feed itself failed: {codes}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for publisher in self._publishers:
            publisher.kill()
            publisher.wait()


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
