"""Which version of a script messages and requests have met, where each says so."""

import collections
import http.client
import json
import threading
import time

from ledger import Ledger

# Of the version, in the number that a message comes back with.
SHIFT = 40
# Requests a second, and the connections that ask them.
REQUESTS, ASKING = 200, 4


class Versions(Ledger):
    """Of each lane too, whether the versions went back, and which have been seen."""

    def __init__(self):
        super().__init__()
        self.latest = collections.Counter()
        self.back, self.seen = 0, set()

    def out(self, lane, number):
        version, number = divmod(number, 1 << SHIFT)
        self.came(lane, version)
        super().out(lane, number)

    def came(self, lane, version):
        self.back += version < self.latest[lane]
        self.latest[lane] = version
        self.seen.add(version)


class Requests:
    """So many a second, one after another on each of four connections."""

    def __init__(self, host, versions):
        self.host, self.versions = host, versions
        self.failures, self.count, self.slowest = collections.Counter(), 0, 0.0
        self.newest = self.back = 0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(f"connection {n}",), daemon=True) for n in range(ASKING)]

    def _run(self, lane):
        connection = http.client.HTTPConnection(*self.host.address, timeout=30)
        due = time.monotonic()
        while not self._stopping.wait(max(0, due - time.monotonic())):
            due = max(due + ASKING / REQUESTS, time.monotonic() - 1)
            began, newest = time.monotonic(), self.newest
            try:
                connection.request("POST", "/version", b'{"query": ""}', {"Content-Type": "application/json"})
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 200:
                    version = json.loads(body)["result"]["version"]
                    self.versions.came(lane, version)
                    self.back += version < newest
                    self.newest = max(version, self.newest)
                else:
                    self.failures[answer.status] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures[type(error).__name__] += 1
                connection.close()
            self.count += 1
            self.slowest = max(self.slowest, time.monotonic() - began)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(35)
