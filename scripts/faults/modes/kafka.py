"""SIGKILL at random while messages go through consume, Lua and produce. --messages 100,000 a broker, --kills 10.

Each broker by itself: librdkafka's mock cluster, and noida-db, where the host is a static member of its group.
"""

import collections
import time

import support
from brokers import MOCK, NOIDA, KafkaBroker
from kafka_traffic import COPIER, GROUP, PARTITIONS, Copies, Feed, committed
from ledger import Ledger

# Seconds between two commits, the default of KAFKA_COMMIT_INTERVAL.
INTERVAL = 1


def run(plan):
    for kind in [plan.broker] if plan.broker else [MOCK, NOIDA]:
        messages, kills = plan.messages(100_000, 20_000), plan.kills(10, 1)
        with KafkaBroker(kind, plan.folder) as broker:
            broker.create("numbers", "copies")
            _through(plan, broker, messages, kills)


def _through(plan, broker, messages, kills):
    ledger = Ledger()
    # A kill comes when so many have come out, and the host has moved something since it came back.
    marks = sorted(plan.random.randrange(messages // 50, messages * 9 // 10) for _ in range(kills))
    folder = plan.folder / f"{broker.kind}-agent"
    folder.mkdir()
    (folder / "agent.lua").write_text(COPIER)
    environment = {**broker.environment(None if broker.buries_the_dead else "one"), "STREAMING_CONSUMER_GROUP": GROUP}

    def host():
        return support.Host({}, agents=["agent.lua"], environment=environment, folder=folder)

    # Slow enough that the kills fall into the flow, and what gathers meanwhile is worked off in a burst. The mock cluster takes
    # ten seconds and more to give a dead member up.
    pause = 15 if broker.buries_the_dead else 3
    feed = Feed(broker.address, ledger, count=messages, rate=messages / (pause * (kills + 1)))
    copies = Copies(broker.address, ledger)
    running, killed, above, before = host(), 0, [], 0
    # What came out in the last moments before each kill may come again: a commit interval, and a little for the commit's
    # own way and for the count's.
    allowed, samples = 0, collections.deque([(time.monotonic(), 0)])
    deadline = time.monotonic() + 120 + kills * 30 + messages / 2_000
    while ledger.different < messages and time.monotonic() < deadline:
        time.sleep(0.01)
        samples.append((time.monotonic(), ledger.out_count))
        while samples[-1][0] - samples[0][0] > INTERVAL + 0.5:
            samples.popleft()
        if killed < kills and ledger.different > before and ledger.different >= marks[killed]:
            time.sleep(plan.random.uniform(0, 1))
            running.kill()
            killed += 1
            copies.catch_up()
            before = ledger.different
            allowed += ledger.out_count - samples[0][1]
            above += [(partition, offset) for partition, offset in enumerate(committed(broker.address, GROUP))
                      if offset > ledger.first_missing(partition)]
            running = host()
        plan.progress(f"{broker.kind}: {ledger.figures}  kills {killed}")
    feed.stop()
    code = running.stop()
    copies.catch_up()
    copies.stop()
    kind = f"{broker.kind}, {killed} kills: "
    plan.promise(kind + "nothing is lost", ledger.lost == 0, ledger.figures)
    plan.promise(kind + "every partition stays in order", ledger.disordered == 0 and copies.misplaced == 0)
    plan.promise(kind + "what comes twice was handled in the last second before a kill", ledger.twice <= allowed,
                 f"{ledger.twice:,} twice; {allowed:,} came out in those seconds")
    plan.promise(kind + "no offset is committed before its message is done", not above, above or "")
    plan.promise(kind + "it stops cleanly at the end", code == 0, f"exit code {code}")
