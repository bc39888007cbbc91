"""The JSON task as a service of agent-common had it: FastAPI on uvicorn, with pydantic's model of the body
(peers/fastapi_app.py). Once with what `pip install fastapi uvicorn` gives (asyncio and h11), and once with uvloop and httptools.
One process on one core, wrk with 32 connections on the other."""

import contextlib

from bench import FOLDER, accepts, free_port, until
from load import wrk
from measure import Comparison, alternate
from rows.json_task import AGENT, BODY, PATH, check


def uvicorn(bench, port, loop, http):
    """The command that runs the service."""
    return [bench.python, "-m", "uvicorn", "fastapi_app:app", "--app-dir", FOLDER / "peers", "--port", port, "--loop", loop,
            "--http", http, "--no-access-log", "--log-level", "warning"]


@contextlib.contextmanager
def fastapi(bench, loop, http):
    """The service on the server's core: its process and its port."""
    port = free_port()
    with bench.process(*uvicorn(bench, port, loop, http)) as process:
        until(lambda: accepts(port), "uvicorn listens", 60)
        yield process, port


def run(bench):
    for loop, http, target in [("asyncio", "h11", 15), ("uvloop", "httptools", None)]:
        with fastapi(bench, loop, http) as (theirs, port), bench.host(AGENT) as host:
            check(bench, host.port)
            check(bench, port)
            wrk(bench, host, host.port, [PATH], BODY, 1)
            wrk(bench, theirs, port, [PATH], BODY, 1)
            pairs = alternate(
                bench.plan.rounds, lambda: wrk(bench, host, host.port, [PATH], BODY),
                lambda: wrk(bench, theirs, port, [PATH], BODY))
        yield Comparison(
            "fastapi", "HTTP JSON task", f"FastAPI + uvicorn ({loop}, {http})", "requests", pairs, target=target,
            cores="server on one core, load on the other")
