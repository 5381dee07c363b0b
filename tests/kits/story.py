#!/usr/bin/env python3
"""A desk on the Python kit and one on the TypeScript kit share tickets through a running gateway,
and are killed.

GATEWAY_URL, PYTHON_TOKEN and TYPESCRIPT_TOKEN say where and as whom; DESKMESH_CA which authority to
trust. `story.sh` gives all of it.
"""

import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
PATIENCE = 20  # seconds for anything to happen


class Different(Exception):
    """The story did not go as it must."""


def check(is_so, what):
    if not is_so:
        raise Different(what)


class Desk:
    """A desk's process, its store, and all that it was told."""

    def __init__(self, name, program, folder):
        self.name, self.program = name, program
        self.token = os.environ[f"{name.upper()}_TOKEN"]
        self.environment = {
            **os.environ,
            "DESK_TOKEN": self.token,
            "DESK_STORE": str(folder / name),
        }
        if "DESKMESH_CA" in os.environ:
            self.environment["NODE_EXTRA_CA_CERTS"] = os.environ["DESKMESH_CA"]
        self.told, self.deaths = [], 0
        self.start()

    def start(self):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            self.program, stdin=pipe, stdout=pipe, text=True, env=self.environment
        )
        self.resent = self.answer()["resent"]

    def answer(self):
        line = self.process.stdout.readline()
        check(line, f"{self.name}: the desk ended: {self.process.poll()}")
        return json.loads(line)

    def ask(self, **asked):
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def killed(self, **asked):
        """Asks for something over which the process dies (SIGKILL), and starts it again."""
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        check(self.process.stdout.readline() == "", f"{self.name}: it was to die over {asked}")
        check(self.process.wait(PATIENCE) == -9, f"{self.name}: it did not die by SIGKILL")
        self.deaths += 1
        self.start()

    def stop(self):
        self.process.kill()
        self.process.wait()

    def lost(self, folder):
        """Starts it with an empty store and a cursor of a log that is no more."""
        self.stop()
        self.environment["DESK_STORE"] = str(folder / f"{self.name}-anew")
        self.start()
        self.ask(do="cursor", cursor=f"{'0' * 32}.7")
        self.read()

    def send(self, type, dies=None, outcomes=("applied", "partial"), **payload):
        """Sends a command and reads until its receipt is there."""
        key = str(uuid.uuid4())
        asked = {"do": "send", "type": f"{type}.v1", "payload": payload, "key": key}
        if dies:
            self.killed(dies=dies, **asked)
            check(
                self.resent == [key],
                f"{self.name}: {type} was not pending after the kill: {self.resent}",
            )
        else:
            self.ask(**asked)
        receipt = self.hears("command.receipt", lambda told: told["command_id"] == key)
        check(receipt["outcome"] in outcomes, f"{self.name}: {type}: {receipt}")
        return receipt

    def read(self, wait=0):
        told = self.ask(do="read", wait=wait)["told"]
        self.told += told
        return told

    def hears(self, type, wanted=lambda told: True, since=0):
        """Reads until it was told what is wanted; returns its payload."""
        until = time.monotonic() + PATIENCE
        while True:
            for it in self.told[since:]:
                if it["type"] == f"{type}.v1" and wanted(it["payload"]):
                    return it["payload"]
            check(time.monotonic() < until, f"{self.name}: no {type} came")
            self.read(wait=2)

    def model(self):
        return self.ask(do="model")

    def base(self, number, *fields):
        return self.ask(do="base", number=number, fields=fields)["revision"]

    def shown(self, path, body=None):
        """What the gateway answers; with a body, to a POST."""
        context = ssl.create_default_context(cafile=os.environ.get("DESKMESH_CA"))
        url, headers = os.environ["GATEWAY_URL"] + path, {"Authorization": f"Bearer {self.token}"}
        with urllib.request.urlopen(
            urllib.request.Request(url, body, headers), context=context
        ) as answer:
            return json.load(answer)

    def log(self, type):
        """What the gateway's log has for it, read or not."""
        told = self.shown("/v1/deliveries?limit=500")["deliveries"]
        return [it["payload"] for it in told if it["type"] == f"{type}.v1"]


def at(seconds):
    """A time, so many seconds from now."""
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat(
        timespec="milliseconds"
    )


def agree(sender, receiver):
    terms = {"comments": "public_and_private", "tags": True, "custom_fields": True}
    receiver.send("account.show")
    address = receiver.hears("account.state")["address"]
    receipt = sender.send("agreement.invite", receiver={"address": address}, terms=terms)
    agreement = receipt["agreement_id"]
    receiver.hears("agreement.invited", lambda told: told["agreement_id"] == agreement)
    receiver.send("agreement.accept", agreement_id=agreement)
    sender.hears("agreement.accepted", lambda told: told["agreement_id"] == agreement)
    return agreement


def file(desk, id):
    """A file that the desk has uploaded, as an attachment."""
    kept = desk.shown(f"/v1/files?filename={id}.jpg", body=id.encode())
    return {"id": id, "filename": kept["filename"], "url": kept["url"]}


def says(text):
    return lambda told: any(it["body"] == text for it in told.get("comments", []))


def play(sender, receiver):
    """One ticket from a share to before its end; returns the share."""
    number, copy = f"{sender.name}-4711", f"{receiver.name}-1"
    agreement = agree(sender, receiver)
    share = sender.send(
        "ticket.share",
        dies="before_request",
        agreement_id=agreement,
        ticket={
            "id": number,
            "subject": "The pump leaks",
            "status": "open",
            "custom_fields": {"order": "7", "place": "?"},
            "tags": [{"name": "pump", "added_by": "user"}, {"name": "vip", "added_by": "rule"}],
            "requester": {"id": "1", "name": "Ann", "role": "end_user"},
            "comments": [
                {
                    "body": "It drips. 🚰",
                    "attachments": [file(sender, "drip"), file(sender, "door")],
                }
            ],
        },
    )["share_id"]

    # The copy's desk dies after it took the ticket and before it knows that it did.
    until = time.monotonic() + PATIENCE
    while not any(it["share_id"] == share for it in receiver.log("ticket.created")):
        check(time.monotonic() < until, f"{receiver.name}: no ticket came")
        time.sleep(0.05)
    receiver.killed(do="read", wait=1, dies="before_cursor")
    receiver.hears("ticket.created", lambda told: told["share_id"] == share)
    receiver.send("ticket.bind", share_id=share, ticket_id=copy)
    sender.hears("ticket.bound", lambda told: told["partner_ticket_id"] == copy)

    # Comments both ways, one of them by a desk that dies before it reads the answer.
    receiver.send(
        "ticket.update", dies="after_request", ticket_id=copy, comments=[{"body": "Which pump?"}]
    )
    sender.hears("ticket.updated", says("Which pump?"))
    sender.send(
        "ticket.update",
        ticket_id=number,
        comments=[{"body": "Only for us", "public": False, "attachments": [file(sender, "note")]}],
    )
    secret = receiver.hears("ticket.updated", says("Only for us"))["comments"][0]["id"]

    # Two at once, as far as their desks knew: the older change loses, and the receipt, which comes
    # last, says what is held. Nobody sets it later, so that a desk which keeps what it sent is
    # found out.
    place = "custom_field:place"
    base = {desk: desk.base(of, place) for desk, of in ((sender, number), (receiver, copy))}
    receiver.send(
        "ticket.update",
        ticket_id=copy,
        custom_fields={"place": "roof"},
        occurred_at=at(-1),
        base_revision=base[receiver],
    )
    sender.hears(
        "ticket.updated", lambda told: told.get("custom_fields", {}).get("place") == "roof"
    )
    lost = sender.send(
        "ticket.update",
        ticket_id=number,
        custom_fields={"place": "cellar"},
        occurred_at=at(-30),
        base_revision=base[sender],
    )
    check(
        "roof" in [it.get("value") for it in lost["decisions"]],
        f"the older change was to lose: {lost}",
    )

    receiver.send("ticket.update", ticket_id=copy, status="pending")
    sender.hears("ticket.updated", lambda told: told.get("status") == "pending")
    sender.send("ticket.update", ticket_id=number, status="hold")  # arrives as open
    receiver.hears("ticket.updated", lambda told: told.get("status") == "open")
    receiver.send(
        "ticket.update",
        ticket_id=copy,
        custom_fields={"order": {"clear": True}},
        tags={
            "add": [{"name": "wet", "added_by": "user"}],
            "remove": [{"name": "pump", "removed_by": "user"}],
        },
    )
    sender.hears("ticket.updated", lambda told: "order" in told.get("custom_fields", {}))
    sender.hears("ticket.updated", lambda told: "wet" in (told.get("tags") or {}).get("add", []))

    own = next(it for it in sender.model()["tickets"] if it["number"] == number)["comments"]
    first = next(id for id, it in own.items() if it["body"].startswith("It drips"))
    sender.send("ticket.redact", ticket_id=number, comment_id=secret)
    sender.send("ticket.redact", ticket_id=number, comment_id=first, attachment_id="door")
    for comment in (secret, first):
        receiver.hears(
            "ticket.updated",
            lambda told: comment in [it["comment_id"] for it in told.get("redact", [])],
        )
    return share


def of_model(ticket):
    return ticket["fields"], {
        id: (it["body"], it["public"], sorted(it.get("attachments", {})))
        for id, it in ticket["comments"].items()
    }


def of_gateway(shown):
    fields = {"status": shown["status"]}
    fields |= {f"tag:{name}": it for name, it in shown["tags"].items()}
    fields |= {f"custom_field:{key}": it for key, it in shown["custom_fields"].items()}
    comments = {
        it["id"]: (it["body"], it["public"], sorted(of["id"] for of in it["attachments"]))
        for it in shown["comments"]
    }
    return {name: [it["value"], it["revision"]] for name, it in fields.items()}, comments


def of_state(state):
    status = {name: it for name, it in state["status"].items() if name != "revision"}
    fields = {"status": [status, state["status"]["revision"]]}
    fields |= {f"tag:{it['name']}": [it["present"], it["revision"]] for it in state["tags"]}
    fields |= {
        f"custom_field:{key}": [it["value"], it["revision"]]
        for key, it in state["custom_fields"].items()
    }
    comments = {
        it["id"]: (it["body"], it["public"], sorted(of["id"] for of in it.get("attachments", [])))
        for it in state["comments"]
    }
    return fields, comments


def values(fields):
    return {name: value for name, (value, _) in fields.items()}


def compare(desk, share):
    """Model, gateway and `ticket.resync` say the same of a copy."""
    model = desk.model()
    check(
        not (model["early"] or model["sent"] or model["pending"]),
        f"{desk.name}: something still waits: {model}",
    )
    ticket = next(it for it in model["tickets"] if share in it["shares"])
    fields, comments = of_model(ticket)
    shown, since = of_gateway(desk.shown(f"/v1/shares/{share}/ticket")), len(desk.told)
    check(
        shown == (fields, comments),
        f"{desk.name} differs from the gateway:\n {(fields, comments)}\n {shown}",
    )
    desk.send("ticket.resync", share_id=share)
    state = desk.hears("ticket.state", lambda told: told["share_id"] == share, since)
    known, said = of_state(state)
    check(
        (values(known), said) == (values(fields), comments),
        f"{desk.name} differs from ticket.resync:\n {(fields, comments)}\n {(known, said)}",
    )
    return len(fields), len(comments), sum(not it[0] for it in comments.values())


def copies(model):
    return {tuple(it["shares"]): of_model(it) for it in model["tickets"]}


def story(folder):
    python = Desk("python", [sys.executable, str(HERE / "desk.py")], folder)
    typescript = Desk("typescript", ["node", str(HERE / "desk.mjs")], folder)
    desks = (python, typescript)
    try:
        fields = [{"key": key, "title": key.title(), "type": "text"} for key in ("order", "place")]
        for desk in desks:
            desk.send(
                "account.update", version=1, ticket_fields=fields, default_form=["order", "place"]
            )
        for sender, receiver in (desks, desks[::-1]):
            share = play(sender, receiver)
            for desk in desks:
                fields, comments, blank = compare(desk, share)
                side = "sender" if desk is sender else "receiver"
                print(
                    f"{desk.name:10} as {side:8} equal to ticket.resync and to the gateway: "
                    f"{fields} fields, "
                    f"{comments} comments, {blank} redacted"
                )
            sender.send("ticket.unshare", share_id=share)
            receiver.hears("ticket.unshared", lambda told: told["share_id"] == share)
        for desk in desks:
            before = desk.model()
            desk.stop()
            desk.start()
            check(desk.model() == before, f"{desk.name}: a restart changed what it holds")
            desk.lost(folder)
            check(
                copies(desk.model()) == copies(before),
                f"{desk.name}: the fresh state is not what it held",
            )
            print(
                f"{desk.name:10} killed {desk.deaths} times at work and once at rest: nothing "
                f"lost, nothing doubled;"
                " with a cursor that is gone it came to the same"
            )
    finally:
        for desk in desks:
            desk.stop()


if __name__ == "__main__":
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            story(Path(folder))
    except Different as different:
        sys.exit(f"DIFFERENT: {different}")
    print(f"EQUAL: both kits hold what Deskmesh holds ({time.monotonic() - started:.1f} s)")
