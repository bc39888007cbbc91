"""Resident memory for each of 10,000 WebSockets that are connected, subscribed to a topic and idle, as the process has grown
by them; beside socketify, as it comes."""

from bench import resident_bytes
from measure import Bound
from rows.fanout import AGENT, socketify

SOCKETS = 10_000


def kib_each(bench, server, port, sockets):
    before = resident_bytes(server.pid)
    with bench.process(bench.tool("fanout_load"), port, "/ws/fan", sockets, core=bench.load) as load:
        load.line('{"connected"', 120)
        return (resident_bytes(server.pid) - before) / sockets / 1024


def run(bench):
    # Some room for the descriptors that a process has besides.
    sockets = min(SOCKETS, bench.most_files - 200)
    ours, theirs = [], []
    for _ in range(1 if bench.plan.quick else 3):
        with bench.host(AGENT) as host:
            ours.append(kib_each(bench, host, host.port, sockets))
        with socketify(bench) as (process, port):
            theirs.append(kib_each(bench, process, port, sockets))
    notes = [] if sockets == SOCKETS else [f"{sockets} sockets only: the system allows {bench.most_files} open files"]
    yield Bound(
        "sockets", "Memory of an idle WebSocket, of 10,000", "KiB", ours, 8, "socketify", theirs,
        "server on one core, load on the other", notes)
