"""QoS 1 → Lua → QoS 1: decoded, one field changed, encoded and published again, beside a loop in C over libmosquitto that
publishes each payload as it is (peers/mqtt_pipe.c). 100 messages are under way at a time; p50 and p99 are from their
publish to what came of them. The broker is mosquitto, with the limits of the embedded one. Since the broker and the load
share the other core and have twice the packets to handle, the ratio of processor time says more than that of rates."""

import contextlib

from bench import accepts, free_port, until
from instructions import per_unit, stripped
from load import mqtt
from measure import Comparison, alternate

AGENT = """
local agent = agenthost.realtime_agent { name = "bench-mqtt" }
agent:on_message("in", function(data) data.note = "seen" agent:send_mqtt("out", data) end, { source = "mqtt" })
"""
BROKER = """
listener %d 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
max_inflight_messages 1000
max_queued_messages 100000
log_dest none
"""
WINDOW = 100


@contextlib.contextmanager
def mosquitto(bench):
    """A broker on the load's core: its port."""
    port = free_port()
    with bench.process("/usr/sbin/mosquitto", "-c", bench.file(f"mosquitto-{port}.conf", BROKER % port), core=bench.load):
        until(lambda: accepts(port), "mosquitto listens", 30)
        yield port


def host(bench, port, wrapper=(), agent=AGENT):
    return bench.host(agent, environment={"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(port)}, wrapper=wrapper)


@contextlib.contextmanager
def loop(bench, port, wrapper=()):
    with bench.process(*wrapper, bench.tool("mqtt_pipe"), port, "in", "out") as process:
        process.line("subscribed")
        yield process


def run(bench):
    with (mosquitto(bench) as ours_at, mosquitto(bench) as theirs_at, host(bench, ours_at) as ours,
          loop(bench, theirs_at) as theirs):
        pairs = alternate(
            bench.plan.rounds, lambda: mqtt(bench, ours, ours_at, "in", "out", WINDOW),
            lambda: mqtt(bench, theirs, theirs_at, "in", "out", WINDOW))

    def counted(start):
        def run(wrapper, units):
            with mosquitto(bench) as port, start(bench, port, wrapper):
                bench.output(bench.tool("mqtt_load"), port, "in", "out", WINDOW, "count", units, timeout=300)

        return per_unit(bench, 1000, run)

    with bench.with_program(stripped(bench.program)):
        ours = counted(host)
    result = Comparison(
        "mqtt", "MQTT QoS 1 → Lua → QoS 1", "a C loop over libmosquitto", "messages", pairs, target=0.8,
        instructions=(ours, counted(loop)), cores="all threads on one core, broker and load on the other")
    result.notes.append(f"by processor time {result.processor_ratio:.2f}")
    yield result
