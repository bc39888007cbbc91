"""Promise 1 and 2: kill -9 in the middle loses nothing, and each partition stays in order."""

import json
import subprocess

from support import Host, Running, case, equal, kcat_read, note, run, scripts_folder, until

MESSAGES = 20_000
PARTITIONS = 4

AGENT = """
local agent = agenthost.realtime_agent { name = "copier" }
agent:on_message("numbers", function(data, message)
  agent:send_kafka("copies", { p = message.partition, n = data.n }, { partition = message.partition })
end, { source = "kafka" })
"""


def feed(broker, partition, first, last):
    """Numbers in order to one partition."""
    data = "".join(json.dumps({"n": n}) + "\n" for n in range(first, last)).encode()
    done = subprocess.run(
        ["kcat", "-P", "-q", "-b", broker, "-t", "numbers", "-p", str(partition), "-X", "max.in.flight=1"], input=data, timeout=120,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    equal(done.returncode, 0, repr(done.stdout))


@case("20,000 messages through consume, Lua and produce, with kill -9 in the middle: all arrive, in order")
def killed():
    each = MESSAGES // PARTITIONS
    with scripts_folder({"agent.lua": AGENT}) as folder, Running(["broker"], folder) as broker:
        environment = {"KAFKA_BOOTSTRAP_SERVERS": broker.kafka, "LOG_LEVEL": "WARNING"}
        for partition in range(PARTITIONS):
            feed(broker.kafka, partition, 0, each)
        with Host({}, agents=["agent.lua"], environment=environment, folder=folder) as host:
            until(lambda: host.health()["message_count"] >= MESSAGES // 10, "a part was handled", 60, pause=0.001)
            host.kill()
            host.was_killed = True
        written = len(kcat_read(broker.kafka, "copies"))
        with Host({}, agents=["agent.lua"], environment=environment, folder=folder) as host:
            def all_there():
                records = kcat_read(broker.kafka, "copies")
                found = {(record["partition"], json.loads(record["payload"])["n"]) for record in records}
                return records if len(found) >= MESSAGES else None

            records = until(all_there, "every message is in the output", 180, pause=0.2)
        copies = {partition: [] for partition in range(PARTITIONS)}
        for record in sorted(records, key=lambda record: (record["partition"], record["offset"])):
            value = json.loads(record["payload"])
            equal(value["p"], record["partition"], "a copy is in the partition of its original")
            copies[record["partition"]].append(value["n"])
        duplicates = 0
        for partition, numbers in copies.items():
            first_time = list(dict.fromkeys(numbers))
            for position, n in enumerate(first_time):
                assert n == position, (
                    f"partition {partition}: out of order, {first_time[max(0, position - 3):position + 4]} at {position}, "
                    f"of which the output has {numbers[max(0, numbers.index(n) - 3):numbers.index(n) + 4]}")
            equal(len(first_time), each, f"partition {partition}")
            duplicates += len(numbers) - len(first_time)
        note(f"in {MESSAGES}, written before the kill {written}, out {len(records)}, duplicates {duplicates}")
        assert written < MESSAGES, "the kill came too late to prove anything"


run()
