"""A worker on aio-pika, asyncpg and uvloop: aio_pika_peer.py STAGE AMQP_URL DATABASE_URL
HANDLERS.
"""

import asyncio
import json
import sys

import aio_pika
import asyncpg
import uvloop

import rules


async def main(stage, amqp_url, database_url, handlers):
    # One database connection a handler; asyncpg keeps prepared statements by itself.
    pool = await asyncpg.create_pool(database_url, min_size=handlers, max_size=handlers)
    consuming, publishing = await aio_pika.connect(amqp_url), await aio_pika.connect(amqp_url)
    channel = await consuming.channel()
    # As many again as are at work, so that no handler waits for the next message.
    await channel.set_qos(prefetch_count=handlers * 2)
    publisher = await publishing.channel(publisher_confirms=True)
    exchanges = {
        name: await publisher.get_exchange(name, ensure=False) for name in ("sync", "desk")
    }
    queue = await channel.get_queue(stage, ensure=False)
    at_work = asyncio.Semaphore(handlers)

    async def publish(message_id, number, exchange, key, message_type, body):
        message = aio_pika.Message(
            body.encode(),
            message_id=f"{stage}/{message_id}/{number}",
            type=message_type,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        await exchanges[exchange].publish(message, routing_key=key, mandatory=True)

    async def handle(message):
        async with at_work, pool.acquire() as connection:
            account = message.routing_key.split(".")[0]
            rows = await rules.decide(
                connection, stage, message.message_id, account, json.loads(message.body)
            )
            await asyncio.gather(*(publish(message.message_id, *row) for row in rows))
            await connection.execute(rules.SENT, [row[0] for row in rows])
            await message.ack()

    await queue.consume(handle)
    print("ready", flush=True)
    await asyncio.Future()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
