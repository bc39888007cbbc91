"""Kafka's side of a row: a broker, topics that are filled while nobody reads, and the moment when all has come through."""

import contextlib

from bench import processor_ns, stopped
from measure import Sample

# The broker keeps 5 MiB of a partition: enough of them for a burst that lasts.
PARTITIONS = 12
CAPACITY = 20_000 * PARTITIONS


@contextlib.contextmanager
def broker(bench, *topics):
    """A broker with the topics, on the load's core: its address."""
    command = [bench.tool("mock_broker"), *(f"{topic}:{PARTITIONS}" for topic in topics)]
    with bench.process(*command, core=bench.load) as process:
        yield process.line("127.0.0.1:")


def fill(bench, brokers, topic, count):
    # Nobody measures then: it may have the server's core.
    bench.output(bench.tool("kafka_load"), "fill", brokers, topic, PARTITIONS, count, core=bench.server)


def watch(bench, brokers, topic, count):
    """A process that says when a tenth, and all, of so many more messages stand in the topic."""
    watching = bench.process(bench.tool("kafka_load"), "watch", brokers, topic, PARTITIONS, count, core=bench.load)
    watching.line("watching")
    return watching


def burst(bench, brokers, pipe, source, target, count):
    """A burst through the pipe, which stands still while the topic is filled: the rate between a tenth and all of it, by what
    stands in the output topic."""
    with watch(bench, brokers, target, count) as watching:
        with stopped(pipe):
            fill(bench, brokers, source, count)
        _, began, first = watching.line("tenth", 120).split()
        used = processor_ns(pipe.pid)
        _, ended, last = watching.line("all", 300).split()
        used = processor_ns(pipe.pid) - used
    messages = int(last) - int(first)
    assert int(last) == count, f"{last} messages came of {count}"
    return Sample(messages / (int(ended) - int(began)) * 1e9, used / messages / 1e3)


def settle(bench, brokers, source, *targets):
    """Waits until a first message has come through to each of the targets: their groups are formed then."""
    with contextlib.ExitStack() as stack:
        watching = [stack.enter_context(watch(bench, brokers, target, PARTITIONS)) for target in targets]
        fill(bench, brokers, source, PARTITIONS)
        for one in watching:
            one.line("all", 60)
