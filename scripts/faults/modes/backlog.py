"""A backlog before a slow handler, and a broker that takes nothing more: memory stays bounded, nothing is dropped.
--messages 200,000 of 200 bytes.
"""

import concurrent.futures
import json
import time

import support
from brokers import NOIDA, KafkaBroker, Mosquitto
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from kafka_traffic import GROUP, PARTITIONS, Copies, Feed
from ledger import Ledger
from readings import TOPICS, Readings

AGENT = """
local agent = agenthost.realtime_agent {
  name = "slow", endpoints = { { path = "/send", method = "POST", task_type = "send" } },
}
agent:on_message("numbers", function(data, message)
  agenthost.sleep(0.001)
  agent:send_kafka("copies", { p = message.partition, n = data.n }, { partition = message.partition })
end, { source = "kafka" })
agent:on_message("readings/+", function(data, message)
  local partition = tonumber(message.topic:match("%d+$"))
  agent:send_kafka("readings", { p = partition, n = data.n }, { partition = partition })
end, { source = "mqtt" })
agent:task("send", function(task)
  for n = 1, 1000 do agent:send_kafka("asked", { n = task.parameters.first + n, padding = string.rep("x", 100) }) end
  return { sent = true }
end)
"""
MEMORY = 200
REQUESTS = 160


def run(plan):
    (plan.folder / "agent.lua").write_text(AGENT)
    with KafkaBroker(NOIDA, plan.folder) as kafka, Mosquitto(plan.folder) as mqtt:
        kafka.create("numbers", "copies", "readings", "asked")
        environment = {
            **kafka.environment("one"), "STREAMING_CONSUMER_GROUP": GROUP, "MQTT_HOST": "127.0.0.1",
            "MQTT_PORT": str(mqtt.port), "MQTT_CLIENT_ID": "soak", "LOG_LEVEL": "CRITICAL", "MAX_CONCURRENT_TASKS": "16"}
        ledger = Ledger()
        feed = Feed(kafka.address, ledger, count=plan.messages(200_000, 20_000), padding=180)
        support.until(lambda: feed.is_done, "the backlog is there", 300, pause=0.1)
        feed.stop()
        copies = Copies(kafka.address, ledger)
        with support.Host({}, agents=["agent.lua"], environment=environment, folder=plan.folder) as host:
            _work_off(plan, host, ledger, copies)
            _broker_takes_nothing(plan, host, kafka, mqtt)
        copies.stop()


def _work_off(plan, host, ledger, copies):
    began, most = time.monotonic(), 0
    while ledger.lost and time.monotonic() - copies.last < 20:
        time.sleep(0.2)
        most = max(most, host.memory()[1])
        plan.progress(f"{ledger.figures}  {most:.0f} MiB")
    seconds = time.monotonic() - began
    plan.promise(f"a backlog of {ledger.in_count:,} before a slow handler: under {MEMORY} MiB", most < MEMORY,
                 f"{most:.0f} MiB at the most, {ledger.in_count / seconds:,.0f} messages/s")
    plan.promise("the backlog: nothing is lost, nothing twice, in order", ledger.lost == ledger.twice == ledger.disordered == 0,
                 ledger.figures)


def _broker_takes_nothing(plan, host, kafka, mqtt):
    """Kafka stands still; requests that send, and MQTT messages that lead to Kafka, go on."""
    read = Ledger()
    came = Copies(kafka.address, read, topic="readings")

    def ask(number):
        return number, host.post("/send", {"query": "", "parameters": {"first": number * 1000}}, timeout=120).status

    kafka.freeze()
    try:
        with Readings(mqtt.port, read, 2_000, count=10_000 // TOPICS * TOPICS) as readings, \
                concurrent.futures.ThreadPoolExecutor(8) as threads:
            statuses = dict(threads.map(ask, range(REQUESTS)))
            support.until(lambda: read.in_count >= 10_000, "the readings are in", 60)
            memory = host.memory()[1]
            # The frozen broker is thawed before the client's patience with it ends.
            kafka.thaw()
            readings.stop()
            support.until(lambda: not read.lost or time.monotonic() - came.last > 20, "the readings", 90)
    finally:
        kafka.thaw()
    came.catch_up()
    came.stop()
    accepted = [number for number, status in statuses.items() if status == 200]
    wanted = {number * 1000 + n for number in accepted for n in range(1, 1001)}
    arrived = _arrived(kafka.address, wanted)
    counts = {status: list(statuses.values()).count(status) for status in set(statuses.values())}
    plan.promise("with a broker that takes nothing, requests are served until the queue is full, then told 503",
                 set(counts) == {200, 503}, f"{counts} of {REQUESTS} requests with 1,000 records each")
    plan.promise("what was answered 200 arrives", wanted <= arrived, f"{len(wanted):,} records, {len(wanted - arrived):,} missing")
    plan.promise("MQTT messages wait meanwhile: nothing is lost, in order", read.lost == read.disordered == 0, read.figures)
    plan.promise(f"and the host has under {MEMORY} MiB", memory < MEMORY, f"{memory:.0f} MiB")
    plan.promise("it is healthy again", support.until(lambda: host.health()["status"] == "healthy", "healthy", 60))


def _arrived(broker, wanted):
    """The numbers in `asked`, read until all that are wanted are there or nothing comes for ten seconds."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "soak-asked", "enable.auto.commit": False, "log_level": 2})
    consumer.assign([TopicPartition("asked", partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    found, last = set(), time.monotonic()
    while not wanted <= found and time.monotonic() - last < 10:
        for message in consumer.consume(1000, 0.5):
            if message.error() is None:
                found.add(json.loads(message.value())["n"])
                last = time.monotonic()
    consumer.close()
    return found
