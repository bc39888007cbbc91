"""Consume, one field changed, produce with aiokafka and Python's json, on asyncio (peers/aiokafka_pipe.py): once as a service of
agent-common has it, `async for` over the consumer and `await producer.send_and_wait(…)` for each message; and once by the
thousand, sent without waiting for each, and committed when all are acknowledged, which is as much as agenthost promises.
Messages, counting and cores are those of the row kafka."""

import contextlib

import kafka
from bench import FOLDER
from measure import Comparison, alternate
from rows.kafka import DECODED, host

# How it sends, its part of agenthost's burst (it is slow enough for less to last), and the target.
WAYS = [("each", "aiokafka, each awaited", 40, 10), ("batch", "aiokafka, by the thousand", 4, None)]


def run(bench):
    count = kafka.CAPACITY // (8 if bench.plan.quick else 3)
    for way, peer, part, target in WAYS:
        with contextlib.ExitStack() as stack:
            ours_at = stack.enter_context(kafka.broker(bench, "in", "out"))
            theirs_at = stack.enter_context(kafka.broker(bench, "in", "out"))
            ours = stack.enter_context(host(bench, ours_at, DECODED))
            theirs = stack.enter_context(
                bench.process(bench.python, FOLDER / "peers/aiokafka_pipe.py", theirs_at, "in", "out", "aiokafka", way))
            kafka.settle(bench, ours_at, "in", "out")
            kafka.settle(bench, theirs_at, "in", "out")
            pairs = alternate(
                min(5, bench.plan.rounds),
                lambda: kafka.burst(bench, ours_at, ours, "in", "out", count),
                lambda: kafka.burst(bench, theirs_at, theirs, "in", "out", count // part))
        yield Comparison(
            "aiokafka", "Kafka → JSON → Lua → JSON → Kafka", peer, "messages", pairs, target=target,
            cores="all threads on one core, broker on the other")
