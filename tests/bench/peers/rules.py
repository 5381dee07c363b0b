"""The three stages' rules for an update, as far as the benchmark's desks use them, and the
statements that keep what they decide.

One transaction a message: the inbox makes it count once, the outbox is written with the decision.
Whoever calls this publishes what it returns with confirms, deletes it from the outbox, and only
then acknowledges. A message that is known sends what it sent before.
"""

import json

INBOX = "insert into inbox (stage, message_id) values ($1, $2) on conflict do nothing returning 1"
OUTBOX = """insert into outbox (stage, message_id, exchange, routing_key, message_type, body)
            values ($1, $2, $3, $4, $5, $6) returning id"""
KNOWN = (
    "select id, exchange, routing_key, message_type, body from outbox where stage = $1 and "
    "message_id = $2 order by id"
)
SENT = "delete from outbox where id = any($1::bigint[])"
HOP = "select sender, receiver, ticket_id from hop where share_id = $1 and live"
REVISION = "update ticket set revision = revision + 1 where share_id = $1 returning revision"
COMMENT = (
    "insert into comment (comment_id, share_id, body, revision) values ($1, $2, $3, $4) on "
    "conflict do nothing returning 1"
)
FIELD = """insert into field (share_id, name, value, revision) values ($1, $2, $3, $4)
           on conflict (share_id, name)
             do update set value = excluded.value, revision = excluded.revision
           where field.revision < excluded.revision returning 1"""


async def decide(connection, stage, message_id, account, content):
    """Decides one message; returns its outputs as rows of the outbox."""
    async with connection.transaction():
        if not await connection.fetchval(INBOX, stage, message_id):
            return [tuple(row) for row in await connection.fetch(KNOWN, stage, message_id)]
        outputs = await STAGES[stage](connection, message_id, account, content)
        rows = []
        for exchange, key, message_type, body in outputs:
            text = json.dumps(body, separators=(",", ":"))
            number = await connection.fetchval(
                OUTBOX, stage, message_id, exchange, key, message_type, text
            )
            rows.append((number, exchange, key, message_type, text))
        return rows


async def share_dispatcher(connection, message_id, account, update):
    hop = await connection.fetchrow(HOP, update["share_id"])
    if hop is None or account not in (hop["sender"], hop["receiver"]):
        return [receipt(account, message_id, "rejected", "not_shared")]
    revision = await connection.fetchval(REVISION, update["share_id"])
    partner = hop["receiver"] if account == hop["sender"] else hop["sender"]
    transfer = {
        "command": {"account": account, "message_id": message_id},
        "share_id": update["share_id"],
        "partner": partner,
        "revision": revision,
        "update": update,
        "decisions": [],
        "comments": [],
    }
    first = "comment-sync" if update.get("comments") else "field-sync"
    return [("sync", f"{first}.transfer", "transfer.v1", transfer)]


async def comment_sync(connection, _message_id, _account, transfer):
    update = transfer["update"]
    for comment in update.pop("comments", []):
        new = await connection.fetchval(
            COMMENT, comment["id"], transfer["share_id"], comment["body"], transfer["revision"]
        )
        transfer["decisions"].append(
            {"item": f"comment:{comment['id']}", "outcome": "applied" if new else "ignored"}
        )
        if new:
            transfer["comments"].append(
                {**comment, "author": update["actor"], "public": comment.get("public", True)}
            )
    if not update.get("custom_fields"):
        return ended(transfer, {})
    return [("sync", "field-sync.transfer", "transfer.v1", transfer)]


async def field_sync(connection, _message_id, _account, transfer):
    fields = {}
    for name, value in transfer["update"].get("custom_fields", {}).items():
        new = await connection.fetchval(
            FIELD, transfer["share_id"], name, value, transfer["revision"]
        )
        transfer["decisions"].append(
            {"item": f"custom_field:{name}", "outcome": "applied" if new else "ignored"}
        )
        if new:
            fields[name] = value
    return ended(transfer, fields)


def ended(transfer, fields):
    command = transfer["command"]
    updated = {
        "share_id": transfer["share_id"],
        "revision": transfer["revision"],
        "actor": transfer["update"]["actor"],
        "comments": transfer["comments"],
        "custom_fields": fields,
    }
    told = receipt(
        command["account"],
        command["message_id"],
        "applied",
        None,
        transfer["revision"],
        transfer["decisions"],
    )
    return [("desk", f"{transfer['partner']}.ticket.updated", "ticket.updated.v1", updated), told]


def receipt(account, command, outcome, reason=None, revision=None, decisions=()):
    body = {
        "command_id": command,
        "command_type": "ticket.update.v1",
        "outcome": outcome,
        "decisions": list(decisions),
    }
    if reason:
        body["reason"] = reason
    if revision:
        body["revision"] = revision
    return ("desk", f"{account}.command.receipt", "command.receipt.v1", body)


STAGES = {
    "share-dispatcher": share_dispatcher,
    "comment-sync": comment_sync,
    "field-sync": field_sync,
}
