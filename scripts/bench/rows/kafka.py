"""Consume, handle, produce: 8 fields in 205 bytes with a key, decoded to Lua, one field changed, encoded and sent with the same
key; and the same bytes forwarded (`message.raw`). Beside it a loop in C over librdkafka with the host's settings, which
copies each message and looks at nothing (peers/kafka_pipe.c). What counts is what stands in the output topic. The topic is
filled while the process that is measured stands still; all threads of it share one core, the broker, librdkafka's mock
cluster, has the other."""

import contextlib
import time

import kafka
import support
from instructions import per_unit, stripped
from measure import Comparison, alternate

AGENT = """
local agent = agenthost.realtime_agent { name = "bench-kafka" }
agent:on_message("in", function(data, message) %(handler)s end, { source = "kafka" %(options)s })
"""
DECODED = AGENT % {"handler": 'data.note = "seen" agent:send_kafka("out", data, { key = message.key })', "options": ""}


def raw_agent(bench):
    """The forwarding agent, with a note where payloads cannot be left undecoded."""
    handler = 'agent:send_kafka("out", message.raw, { key = message.key })'
    undecoded = AGENT % {"handler": handler, "options": ", decode = false"}
    path = bench.file("undecoded.lua", undecoded)
    checked = support.command("check", path, environment={"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    if checked.returncode == 0:
        return undecoded, []
    note = "this agenthost has no `decode = false`: payloads are decoded for nothing"
    return AGENT % {"handler": handler, "options": ""}, [note]


@contextlib.contextmanager
def host(bench, brokers, agent, wrapper=()):
    with bench.host(agent, environment={"KAFKA_BOOTSTRAP_SERVERS": brokers}, wrapper=wrapper) as one:
        yield one


@contextlib.contextmanager
def loop(bench, brokers, target="out", wrapper=()):
    with bench.process(*wrapper, bench.tool("kafka_pipe"), brokers, "in", target, f"loop-{target}") as one:
        yield one


def compare(bench, agent):
    """Alternating bursts; both have joined their groups, and neither has anything to do while the other is measured."""
    count = kafka.CAPACITY // 4 if bench.plan.quick else kafka.CAPACITY * 3 // 4
    with contextlib.ExitStack() as stack:
        # A topic of its own for each: the other would read along.
        ours_at = stack.enter_context(kafka.broker(bench, "in", "out"))
        theirs_at = stack.enter_context(kafka.broker(bench, "in", "out"))
        ours = stack.enter_context(host(bench, ours_at, agent))
        theirs = stack.enter_context(loop(bench, theirs_at))
        kafka.settle(bench, ours_at, "in", "out")
        kafka.settle(bench, theirs_at, "in", "out")
        return alternate(
            bench.plan.rounds,
            lambda: kafka.burst(bench, ours_at, ours, "in", "out", count),
            lambda: kafka.burst(bench, theirs_at, theirs, "in", "out", count))


def count_instructions(bench, start):
    """Of `start(brokers, wrapper)` for each message."""

    def run(wrapper, units, idle=0):
        with kafka.broker(bench, "in", "out") as brokers:
            kafka.fill(bench, brokers, "in", units)
            with kafka.watch(bench, brokers, "out", units) as watching, start(brokers, wrapper):
                watching.line("all", 300)
                time.sleep(idle)

    return per_unit(bench, 1000 if bench.plan.quick else 2000, run, 5)


def run(bench):
    raw, notes = raw_agent(bench)
    peer_count = count_instructions(bench, lambda brokers, wrapper: loop(bench, brokers, wrapper=wrapper))
    for title, agent, target, notes in [
            ("Kafka → JSON → Lua → JSON → Kafka", DECODED, 0.5, []), ("Kafka, forwarded as it is", raw, 0.6, notes)]:
        pairs = compare(bench, agent)
        with bench.with_program(stripped(bench.program)):
            ours = count_instructions(bench, lambda brokers, wrapper: host(bench, brokers, agent, wrapper))
        yield Comparison(
            "kafka", title, "a C loop over librdkafka", "messages", pairs, target=target, instructions=(ours, peer_count),
            cores="all threads on one core, broker on the other", notes=notes)
