#!/usr/bin/env python3
"""A help desk in one file: what a program needs to take part in ticket sharing.

It logs in as its own broker user, publishes commands on the exchange `share`, reads what it is told
from the queue `desk.<account>`, and keeps its tickets by the contract's part 5. It needs pika
(Debian: python3-pika) and nothing else.

    DESK_URL=amqp://acme:secret@host:5672/deskmesh  python3 python_desk.py acme

Instructions are lines of JSON on standard input; they stand for what agents do:

    {"do": "publish", "type": "ticket.update.v1", "id": "acme-1", "body": {...}}
    {"do": "report", "ticket_id": "ACME-1"}              what that ticket holds; or its "share_id"

Events are lines of JSON on standard output: `ready`, `published`, `delivery`, `repeated`, `holds`.
A real desk keeps on disk what is kept in memory here: its tickets, the ids it has seen, its open
commands.
"""

import json
import os
import sys
import threading
import time

import pika
from pika.adapters.select_connection import IOLoop

RESEND_AFTER = 600  # seconds without a receipt


class Ticket:
    """One ticket: a revision per field, and comments as a set."""

    def __init__(self):
        self.fields = {}  # "status", "tag:<name>" or "custom_field:<key>" -> (value, revision)
        self.comments, self.redacted = {}, set()  # comment id -> {"body", "public"}; comment ids

    def set(self, field, value, revision):
        """Takes a value, unless the one held has a higher revision."""
        if field not in self.fields or revision >= self.fields[field][1]:
            self.fields[field] = (value, revision)

    def take(self, message):
        """Takes what a `ticket.created` or `ticket.updated` says."""
        for field, value in fields_of(message).items():
            self.set(field, value, message["revision"])
        self.redacted.update(
            it["comment_id"] for it in message.get("redact", []) if not it.get("attachment_id")
        )
        self.add(message.get("comments", []))

    def add(self, comments):
        """Adds comments, each once; a redaction stays."""
        for comment in comments:
            self.comments.setdefault(
                comment["id"], {"body": comment["body"], "public": comment.get("public", True)}
            )
        for blank in self.redacted & self.comments.keys():
            self.comments[blank]["body"] = ""


def fields_of(message):
    """The shared fields in a command or a delivery, by the names that receipts have for them."""
    names = {"status": "value", "custom_status": "custom_status"}
    status = {name: message[key] for key, name in names.items() if message.get(key)}
    fields = {"status": status} if status else {}
    tags = message.get("tags") or {}
    changes = tags if isinstance(tags, dict) else {"add": tags}  # a whole ticket lists its tags
    for change, present in (("add", True), ("remove", False)):
        for tag in changes.get(change, []):  # a plain name in deliveries
            tag = tag if isinstance(tag, dict) else {"name": tag}
            if "rule" not in (tag.get("added_by"), tag.get("removed_by")):  # never shared
                fields["tag:" + tag["name"]] = present
    fields.update(
        {"custom_field:" + key: value for key, value in message.get("custom_fields", {}).items()}
    )
    return fields


class Tickets:
    """All tickets of the desk, found by its own number or by a share."""

    def __init__(self):
        self.by_number, self.by_share = {}, {}
        self.early = {}  # share -> updates that came before their `ticket.created`
        self.open = {}  # command id -> (ticket, fields that it sets)

    def about_to_publish(self, command_id, kind, body):
        """An agent's comment shows at home at once; fields get their revision from the receipt."""
        content, ticket = body, None
        if kind == "ticket.share.v1":
            content = body["ticket"]
            ticket = self.by_number.setdefault(content["id"], Ticket())
        elif kind == "ticket.update.v1":
            ticket = self.find(body)
        if ticket:
            ticket.add(content.get("comments", []))
            self.open[command_id] = (ticket, fields_of(content))

    def find(self, message):
        """The ticket that a message is about, by either name."""
        return self.by_number.get(message.get("ticket_id")) or self.by_share.get(
            message.get("share_id")
        )

    def created(self, message):
        """Makes the copy. True if it is new."""
        new = message["share_id"] not in self.by_share
        self.link(message["share_id"], Ticket()).take(message)
        return new

    def link(self, share, ticket):
        """The share is this ticket's, unless it has one already, which takes the updates that
        waited for it.
        """
        ticket = self.by_share.setdefault(share, ticket)
        for message in self.early.pop(share, []):
            ticket.take(message)
        return ticket

    def updated(self, message):
        """Takes an update, or keeps it until its ticket is there."""
        ticket = self.find(message)
        if ticket:
            ticket.take(message)
        else:
            self.early.setdefault(message["share_id"], []).append(message)

    def answered(self, receipt):
        """Gives each field that the command set its value and its revision, both from the receipt.

        The value is the decision's, else the one that was SENT, whatever a delivery has shown in
        between. Only a higher revision keeps what is held; `Ticket.set` looks.
        """
        ticket, fields = self.open.pop(receipt["command_id"], (None, {}))
        if ticket is None or receipt["outcome"] == "rejected":
            return
        if receipt.get("share_id"):
            self.link(receipt["share_id"], ticket)
        for field, value in fields.items() if receipt.get("revision") else ():
            about = [it for it in receipt["decisions"] if it["item"] == field]
            held = [it["value"] for it in about if it.get("value") is not None]
            refused = any(it["outcome"] == "withheld" and not it.get("share_id") for it in about)
            if held or not refused:
                ticket.set(field, held[0] if held else value, receipt["revision"])


class Desk:
    """The connection: publishes with confirms, consumes with acks, logs in again when it was cut
    off.
    """

    def __init__(self, account, url):
        self.account, self.parameters, self.loop, self.channel = (
            account,
            pika.URLParameters(url),
            IOLoop(),
            None,
        )
        self.tickets, self.seen, self.numbered = Tickets(), set(), 0
        self.commands = {}  # command id -> [type, body, sent at]: kept until the receipt is there

    def run(self):
        """Works until standard input ends."""
        threading.Thread(target=self.read_instructions, daemon=True).start()
        self.connect()
        self.loop.call_later(RESEND_AFTER, self.send_late)
        self.loop.start()

    def connect(self):
        """Logs in; a second after every failure or loss again."""
        again = lambda *_: self.loop.call_later(1, self.connect)
        begin = lambda connection: connection.channel(on_open_callback=self.opened)
        pika.SelectConnection(self.parameters, begin, again, again, custom_ioloop=self.loop)

    def opened(self, channel):
        """Sends what has no receipt yet, under the same ids, and reads the queue."""
        self.channel = channel
        channel.add_on_close_callback(self.closed)
        channel.confirm_delivery(self.confirmed)
        self.send_again(0)
        channel.basic_qos(prefetch_count=200)
        channel.basic_consume(
            "desk." + self.account, self.delivered, callback=lambda _: say(event="ready")
        )

    def closed(self, channel, reason):
        """A channel that the broker closed takes its connection along: both are made anew."""
        self.channel = None
        if channel.connection.is_open:
            print("the broker closed the channel:", reason, file=sys.stderr)
            channel.connection.close()

    def publish(self, command_id, kind, body):
        """Takes a command on."""
        self.commands[command_id] = [kind, body, 0]
        self.tickets.about_to_publish(command_id, kind, body)
        say(event="published", id=command_id, type=kind)
        self.send(command_id)

    def send(self, command_id):
        """Sends a command if there is a channel; if not, it goes when there is one."""
        kind, body, _ = self.commands[command_id]
        if self.channel is None or not self.channel.is_open:
            return
        self.commands[command_id][2] = time.monotonic()
        names = {"message_id": command_id, "type": kind, "user_id": self.account}
        properties = pika.BasicProperties(**names, content_type="application/json", delivery_mode=2)
        key = self.account + "." + kind.rsplit(".v", 1)[0]
        self.channel.basic_publish("share", key, json.dumps(body).encode(), properties)

    def send_again(self, age):
        """Sends open commands again that were sent `age` seconds ago or earlier: the same id does
        no harm.
        """
        for command_id, (_, _, sent_at) in list(self.commands.items()):
            if time.monotonic() - sent_at >= age:
                self.send(command_id)

    def send_late(self):
        """Sends commands again whose receipt is late."""
        self.send_again(RESEND_AFTER)
        self.loop.call_later(RESEND_AFTER, self.send_late)

    def confirmed(self, frame):
        """The broker has a command (ack), or its queue is full (nack): then it goes again a little
        later.
        """
        if isinstance(frame.method, pika.spec.Basic.Nack):
            self.loop.call_later(1, lambda: self.send_again(1))

    def delivered(self, channel, method, properties, body):
        """Takes one delivery, once. The ack comes when it has been taken."""
        if properties.message_id in self.seen:
            say(event="repeated", id=properties.message_id)
        else:
            self.seen.add(properties.message_id)
            message, trace = json.loads(body), (properties.headers or {}).get("traceparent")
            name = {"id": properties.message_id, "type": properties.type, "key": method.routing_key}
            say(event="delivery", **name, trace=trace, body=message)
            self.take(properties.type, message)
        channel.basic_ack(method.delivery_tag)

    def take(self, kind, message):
        """What a delivery means; other kinds concern people, not tickets."""
        if kind == "command.receipt.v1":
            self.commands.pop(message["command_id"], None)
            self.tickets.answered(message)
        elif kind == "ticket.updated.v1":
            self.tickets.updated(message)
        elif kind == "ticket.created.v1" and self.tickets.created(message):
            self.numbered += 1  # a new copy gets this desk's own number
            share, number = message["share_id"], f"{self.account.upper()}-{self.numbered}"
            self.tickets.by_number[number] = self.tickets.by_share[share]
            self.publish(
                "bind-" + share, "ticket.bind.v1", {"share_id": share, "ticket_id": number}
            )

    def read_instructions(self):
        """Hands lines of standard input to the loop, which alone may touch the connection."""
        for line in sys.stdin:
            self.loop.add_callback_threadsafe(
                lambda instruction=json.loads(line): self.instructed(**instruction)
            )
        self.loop.add_callback_threadsafe(self.loop.stop)

    def instructed(self, do, **what):
        """Does what an instruction says."""
        if do == "publish":
            self.publish(what["id"], what["type"], what["body"])
        elif do == "report":
            found = self.tickets.find(what) or Ticket()
            say(event="holds", **what, fields=found.fields, comments=found.comments)


def say(**event):
    """Writes one event."""
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    Desk(sys.argv[1], os.environ["DESK_URL"]).run()
