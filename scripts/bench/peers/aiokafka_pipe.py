"""Consume → one field changed → produce with aiokafka, until it is ended.

    aiokafka_pipe.py BROKERS FROM TO GROUP each|batch
"""

import asyncio
import json
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


def changed(value):
    data = json.loads(value)
    data["note"] = "seen"
    return json.dumps(data).encode()


async def each(consumer, producer, target):
    async for message in consumer:
        await producer.send_and_wait(target, changed(message.value), key=message.key)


async def batch(consumer, producer, target):
    while True:
        batches = await consumer.getmany(timeout_ms=100, max_records=1000)
        sent = [await producer.send(target, changed(message.value), key=message.key)
                for messages in batches.values() for message in messages]
        if sent:
            await asyncio.gather(*sent)
            await consumer.commit()


async def main(brokers, source, target, group, way):
    consumer = AIOKafkaConsumer(
        source, bootstrap_servers=brokers, group_id=group, auto_offset_reset="earliest", enable_auto_commit=way == "each")
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", linger_ms=5 if way == "batch" else 0)
    await consumer.start()
    await producer.start()
    await {"each": each, "batch": batch}[way](consumer, producer, target)


asyncio.run(main(*sys.argv[1:]))
