"""Who looks at a host all the time."""

import threading
import time


class Watch:
    """Ten times a second a request, and a look at /health."""

    def __init__(self, host):
        self.host = host
        self.slowest = 0
        self.refusals = []
        self.is_healthy = True
        self.last_degraded = 0
        self.noticed = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def forget(self):
        """What was noticed until now."""
        self.noticed = {}

    def _ask(self, ask, *request):
        began = time.monotonic()
        try:
            answer = ask(*request)
            if answer.status == 200:
                return answer.json
            self.refusals.append(repr(answer))
        except OSError as error:
            self.refusals.append(repr(error))
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)

    def _run(self):
        while not self._stopping.wait(0.1):
            self._ask(self.host.post, "/quick", {"query": ""})
            if (health := self._ask(self.host.get, "/health")) is None:
                continue
            now = time.monotonic()
            self.is_healthy = health["status"] == "healthy"
            if not self.is_healthy:
                self.last_degraded = now
            for name in health.get("connection_errors", {}):
                self.noticed.setdefault(name, now)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(40)
