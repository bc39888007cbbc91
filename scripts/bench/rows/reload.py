"""The JSON task at 4,000 requests a second on 64 connections, while the script is saved four times a second with another
constant in it. A delay counts from the moment at which the request was due. The same without reloads stands beside it."""

import threading

from load import paced
from measure import Bound
from rows.json_task import AGENT, BODY, PATH

PER_SECOND = 4000
EVERY = 0.25


class Saves:
    """Saves the agent's script again and again, each time as another version."""

    def __init__(self, host):
        self.host, self.count = host, 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.stopping.wait(EVERY):
            self.count += 1
            self.host.script.write_text(AGENT.replace("systolic > 140", f"systolic > {100 + self.count % 40}"))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def run(bench):
    seconds = max(2, bench.plan.seconds)
    still, during, longest, reloads = [], [], [], 0
    with bench.host(AGENT) as host:
        paced(bench, host.port, PATH, BODY, PER_SECOND, 1)
        for _ in range(max(3, bench.plan.rounds - 2)):
            still.append(paced(bench, host.port, PATH, BODY, PER_SECOND, seconds)["p99"] / 1e3)
            before = host.health()["script"]["generation"]
            with Saves(host):
                result = paced(bench, host.port, PATH, BODY, PER_SECOND, seconds)
            during.append(result["p99"] / 1e3)
            longest.append(result["longest"] / 1e3)
            reloads += host.health()["script"]["generation"] - before
    assert reloads >= len(during) * seconds, f"only {reloads} reloads took place"
    cores = "server on one core, load on the other"
    notes = [f"{reloads} reloads in {len(during) * seconds:.0f} s"]
    yield Bound(
        "reload", "p99 while the script is reloaded", "ms", during, 10, "without reloads", still, cores, notes)
    yield Bound("reload", "The longest of these delays", "ms", longest, cores=cores)
