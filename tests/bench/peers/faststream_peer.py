"""A worker on FastStream, asyncpg and uvloop: faststream_peer.py STAGE AMQP_URL DATABASE_URL
HANDLERS.
"""

import sys

import asyncpg
import uvloop
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue

import rules


async def main(stage, amqp_url, database_url, handlers):
    pool = await asyncpg.create_pool(database_url, min_size=handlers, max_size=handlers)
    broker = RabbitBroker(
        amqp_url, default_channel=Channel(prefetch_count=handlers * 2), logger=None
    )
    app = FastStream(broker, logger=None)

    @broker.subscriber(RabbitQueue(stage, declare=False), ack_policy=AckPolicy.MANUAL)
    async def handle(body: dict, message: RabbitMessage):
        raw = message.raw_message
        async with pool.acquire() as connection:
            account = raw.routing_key.split(".")[0]
            rows = await rules.decide(connection, stage, raw.message_id, account, body)
            for number, exchange, key, message_type, text in rows:
                await broker.publish(
                    text.encode(),
                    exchange=exchange,
                    routing_key=key,
                    message_type=message_type,
                    persist=True,
                    mandatory=True,
                    message_id=f"{stage}/{raw.message_id}/{number}",
                    content_type="application/json",
                )
            await connection.execute(rules.SENT, [row[0] for row in rows])
            await message.ack()

    @app.after_startup
    async def ready():
        print("ready", flush=True)

    await app.run()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
