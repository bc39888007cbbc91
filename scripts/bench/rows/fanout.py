"""Each message goes to 500 WebSockets; two publishers POST their next message when the one before is answered, to agenthost's own
route `/realtime/topic/…`, and to a route of socketify's that answers and publishes the same envelope. A unit is a message
that one socket has received; p50 and p99 are from the publisher to the first of the sockets, under this load."""

import contextlib

from bench import FOLDER, accepts, free_port, until
from instructions import per_unit, stripped
from load import fanout
from measure import Comparison, alternate

AGENT = """
agenthost.realtime_agent { name = "bench-fanout", websocket_endpoints = { { path = "/ws/fan", auto_subscribe = { "fan" } } } }
"""
SOCKETS = 500


@contextlib.contextmanager
def socketify(bench, wrapper=()):
    """socketify's server on the server's core: the process, and its port."""
    port = free_port()
    with bench.process(*wrapper, bench.python, FOLDER / "peers/socketify_app.py", port) as process:
        until(lambda: accepts(port), "socketify listens", 60)
        yield process, port


def run(bench):
    with socketify(bench) as (theirs, port), bench.host(AGENT) as host:
        pairs = alternate(
            bench.plan.rounds,
            lambda: fanout(bench, host, host.port, "/ws/fan", "/realtime/topic/fan", SOCKETS),
            lambda: fanout(bench, theirs, port, "/ws/fan", "/publish", SOCKETS))

    def counted(wrapper, messages):
        with bench.host(AGENT, wrapper=wrapper) as host:
            bench.output(
                bench.tool("fanout_load"), host.port, "/ws/fan", SOCKETS, 2, "/realtime/topic/fan", "count", messages,
                timeout=300)

    with bench.with_program(stripped(bench.program)):
        ours = per_unit(bench, 20, counted)
    if ours:
        # A message is so many deliveries.
        ours.count /= SOCKETS
        ours.owners = [(owner, cost / SOCKETS) for owner, cost in ours.owners]
    yield Comparison(
        "fanout", f"WebSocket fan-out to {SOCKETS}", "socketify", "deliveries", pairs, target=1.5,
        instructions=(ours, None), cores="server on one core, load on the other")
