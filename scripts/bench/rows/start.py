"""From the start of the process to the first answer of `GET /health`, and the memory that is resident then and after 5,000
tasks; one agent with the JSON task, no broker. Beside it the same service on FastAPI and uvicorn (uvloop, httptools)."""

import contextlib
import http.client
import time

from bench import free_port, resident_bytes
from load import requests
from measure import Bound
from rows.fastapi import uvicorn
from rows.json_task import AGENT, BODY, PATH


def first_answer(port, began):
    """Milliseconds until /health is answered with 200."""
    while time.monotonic() - began < 60:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return (time.monotonic() - began) * 1e3
        connection.close()
        time.sleep(0.0002)
    raise AssertionError("no answer within a minute")


def measured(bench, command, loaded, **options):
    """One start: milliseconds, and MiB at first and, where asked, under way."""
    port = free_port()
    began = time.monotonic()
    with bench.process(*command(port), **options) as process:
        milliseconds = first_answer(port, began)
        first = resident_bytes(process.pid) / 2**20
        if loaded:
            requests(bench, port, PATH, BODY, 5_000)
        return milliseconds, first, resident_bytes(process.pid) / 2**20 if loaded else None


def run(bench):
    agent = bench.file("start/agent.lua", AGENT)

    def ours(loaded=False):
        return measured(
            bench, lambda port: [bench.program, "run", agent, "--port", port, "--no-embedded"], loaded)

    def theirs(loaded=False):
        return measured(bench, lambda port: uvicorn(bench, port, "uvloop", "httptools"), loaded)

    # The first start of each reads its files from the disk; it has the load behind it, and its time is not counted.
    mine, other = [ours(loaded=True)], [theirs(loaded=True)]
    for _ in range(bench.plan.rounds):
        mine += [ours(), ours()]
        other.append(theirs())
    peer = "FastAPI + uvicorn"
    for title, unit, field, starts, limit in [
            ("Start to the first answer", "ms", 0, slice(1, None), 50),
            ("Resident memory after the start", "MiB", 1, slice(None), 40),
            ("Resident memory after 5,000 tasks", "MiB", 2, slice(1), None)]:
        yield Bound(
            "start", title, unit, [one[field] for one in mine[starts]], limit, peer, [one[field] for one in other[starts]],
            "one core")
