"""What a desk holds of its tickets, by part 5 of the contract.

A revision per field, lower ones ignored; a receipt's value and revision taken together; comments as
a set by id; redactions that stay; updates that come before their `ticket.created` kept. No I/O:
`changes()` says what to save, by name, and `Model(records)` puts it together again.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping

Json = dict[str, Any]
KEPT = ("ticket:", "early:", "sent:")  # how the names of a model's records begin


def field_value(value: Any) -> Any:
    """A field's value in one spelling: cleared has three, and options have no order."""
    if value == {"clear": True} or (isinstance(value, (str, list)) and not value):
        return {"clear": True}
    return sorted(set(value)) if isinstance(value, list) else value


def without_none(value: Mapping[str, Any]) -> Json:
    return {name: member for name, member in value.items() if member is not None}


class Ticket(dict[str, Any]):
    """One ticket, as it is saved: `number`, `shares`, `head`, `fields` (name -> [value, revision];
    names are `status`, `tag:<name>` and `custom_field:<key>`), `comments` by id, `redacted`
    comments, `redacted_files`.
    """

    def __init__(self, record: Mapping[str, Any] | None = None) -> None:
        blank: Json = {
            "number": None,
            "shares": [],
            "head": {},
            "fields": {},
            "comments": {},
            "redacted": [],
        }
        super().__init__({**blank, "redacted_files": [], **(record or {})})

    def seen(self) -> Json:
        """Values alone, without cleared fields and absent tags: what an agent sees."""
        values = {field: value for field, (value, _) in self["fields"].items()}
        return {
            field: value
            for field, value in values.items()
            if value is not False and value != {"clear": True}
        }

    def set(self, field: str, value: Any, revision: int) -> None:
        """Takes a value, unless the one held has a higher revision."""
        held = self["fields"].get(field)
        if held is None or revision >= held[1]:
            self["fields"][field] = [value, revision]

    def hear(self, comment: Mapping[str, Any], author: Any) -> None:
        """Takes a comment once; a redaction stays."""
        id = comment.get("id")
        if not isinstance(id, str) or id in self["comments"]:
            return
        held: Json = {
            "body": comment.get("body") or "",
            "public": comment.get("public") is not False,
        }
        more = {
            "author": author,
            "html_body": comment.get("html_body"),
            "authored_at": comment.get("authored_at"),
        }
        held.update(without_none(more))
        gone = {file for of, file in self["redacted_files"] if of == id}
        told = [without_none(file) for file in comment.get("attachments") or []]
        files = {file["id"]: file for file in told if file["id"] not in gone}
        if files:
            held["attachments"] = files
        self["comments"][id] = held
        if id in self["redacted"]:
            self.redact(id)

    def hear_all(self, comments: Iterable[Mapping[str, Any]] | None) -> None:
        for comment in comments or []:
            self.hear(comment, comment.get("author"))

    def redact(self, id: str, file: str | None = None) -> None:
        """Blanks a comment, or takes one file of it; also of a comment that is still to come."""
        comment = self["comments"].get(id, {})
        if file is None:
            self["redacted"] = sorted({*self["redacted"], id})
            if comment:
                comment["body"] = ""
            comment.pop("html_body", None)
            comment.pop("attachments", None)
        else:
            files = {tuple(known) for known in self["redacted_files"]} | {(id, file)}
            self["redacted_files"] = [list(known) for known in sorted(files)]
            if comment.get("attachments", {}).pop(file, None) and not comment["attachments"]:
                del comment["attachments"]

    def take_fields(self, told: Mapping[str, Any], revision: int) -> None:
        """Takes the fields of a `ticket.created` or `ticket.updated`: all have its revision."""
        if told.get("status") is not None:
            status = {"value": told["status"], "custom_status": told.get("custom_status")}
            self.set("status", without_none(status), revision)
        tags = told.get("tags") or {}
        changes = tags if isinstance(tags, dict) else {"add": tags}
        for tag in changes.get("add") or []:
            self.set(f"tag:{tag}", True, revision)
        for tag in changes.get("remove") or []:
            self.set(f"tag:{tag}", False, revision)
        for key, value in (told.get("custom_fields") or {}).items():
            self.set(f"custom_field:{key}", field_value(value), revision)


def fields_set(content: Mapping[str, Any]) -> Json:
    """The fields that a command sets, by the names that receipts have for them. Tags of rules stay
    (R-61).
    """
    fields: Json = {}
    if content.get("status") is not None or content.get("custom_status") is not None:
        status = {"value": content.get("status"), "custom_status": content.get("custom_status")}
        fields["status"] = without_none(status)
    tags = content.get("tags") or {}
    changes = tags if isinstance(tags, dict) else {"add": tags}  # a share lists its tags
    fields.update(
        {
            f"tag:{it['name']}": True
            for it in changes.get("add") or []
            if it.get("added_by") != "rule"
        }
    )
    fields.update(
        {
            f"tag:{it['name']}": False
            for it in changes.get("remove") or []
            if it.get("removed_by") != "rule"
        }
    )
    given = (content.get("custom_fields") or {}).items()
    return fields | {
        f"custom_field:{key}": field_value(value) for key, value in given if value is not None
    }


class Model:
    """An account's tickets, found by the desk's own number or by a share."""

    def __init__(self, records: Mapping[str, Any] | None = None) -> None:
        records = records or {}
        named = sorted(name for name in records if name.startswith("ticket:"))
        self.tickets = [Ticket(records[name]) for name in named]
        self.early: dict[str, list[Json]] = self._named(records, "early:")
        self.sent: dict[str, Json] = self._named(records, "sent:")
        self._by_number = {
            it["number"]: at for at, it in enumerate(self.tickets) if it["number"] is not None
        }
        self._by_share = {share: at for at, it in enumerate(self.tickets) for share in it["shares"]}
        self._changed: set[str] = set()

    @staticmethod
    def _named(records: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        return {
            name.removeprefix(prefix): value
            for name, value in records.items()
            if name.startswith(prefix)
        }

    def changes(self) -> Json:
        """What changed since it was last asked: records by name; None: gone. Save it before
        anything else happens.
        """
        held: Json = {f"ticket:{at:08}": ticket for at, ticket in enumerate(self.tickets)}
        held |= {f"early:{share}": updates for share, updates in self.early.items()}
        held |= {f"sent:{key}": sent for key, sent in self.sent.items()}
        changed, self._changed = self._changed, set()
        return {name: held.get(name) for name in sorted(changed)}

    def ticket(self, number: str) -> Ticket | None:
        """A ticket by the desk's number."""
        at = self._by_number.get(number)
        return None if at is None else self.tickets[at]

    def shared(self, share: str) -> Ticket | None:
        """A ticket by a share that it is or was in."""
        at = self._by_share.get(share)
        return None if at is None else self.tickets[at]

    def base_revision(self, number: str, fields: Iterable[str]) -> int | None:
        """The lowest revision held among fields: for an update's `base_revision`."""
        held = (self.ticket(number) or Ticket())["fields"]
        return min((held[field][1] for field in fields if field in held), default=None)

    def about_to_send(self, key: str, command_type: str, command: Mapping[str, Any]) -> None:
        """Comments, redactions and numbers take effect at home at once; fields with the receipt."""
        number: Any = command.get("ticket_id")
        share: Any = command.get("share_id")
        if command_type == "ticket.bind.v1":
            at = self._by_share.get(share)
            if at is not None:
                self._number(at, number)
        elif command_type == "ticket.redact.v1":
            at = self._find(number, share)
            if at is not None:
                self._touch(at).redact(
                    command.get("comment_id") or "", command.get("attachment_id")
                )
        elif command_type in ("ticket.share.v1", "ticket.update.v1"):
            shares = command_type == "ticket.share.v1"
            content = command["ticket"] if shares else command
            number = content.get("id") if shares else number
            at = self._own(number) if number is not None else self._by_share.get(share)
            if at is None:
                return
            ticket = self._touch(at)
            if shares and not ticket["head"]:
                names = ("subject", "requester", "requested_at")
                ticket["head"] = without_none({name: content.get(name) for name in names})
            for comment in content.get("comments") or []:
                ticket.hear(comment, comment.get("author") or command.get("actor"))
            self.sent[key] = {"ticket": number, "share": share, "fields": fields_set(content)}
            self._changed.add(f"sent:{key}")

    def take_back(self, key: str) -> None:
        """A command was refused before it was stored: no receipt will come."""
        if self.sent.pop(key, None) is not None:
            self._changed.add(f"sent:{key}")

    def take(self, type: str, payload: Mapping[str, Any]) -> None:
        """Takes what the desk is told; anything any number of times, in any order."""
        if type == "ticket.created.v1":
            self._created(payload)
        elif type == "ticket.updated.v1":
            self._updated(payload)
        elif type == "ticket.state.v1":
            self._restored(payload)
        elif type == "command.receipt.v1":
            self._answered(payload)

    def held(self, shown: Mapping[str, Any]) -> None:
        """Takes a ticket as the gateway shows it (`GET /v1/tickets/{number}`): after a cursor that
        was too old.
        """
        number, shares = shown.get("ticket_id"), [share["share_id"] for share in shown["shares"]]
        known = [self._find(number, share) for share in shares] or [self._find(number, None)]
        at = next((at for at in known if at is not None), None)
        at = self._new() if at is None else at
        ticket = self._touch(at)
        if number is not None:
            self._number(at, number)
        names = ("subject", "requester", "requested_at", "received_from", "original_ticket_id")
        ticket["head"] = ticket["head"] or without_none({name: shown.get(name) for name in names})
        fields = {"status": shown["status"]} if shown.get("status") else {}
        fields |= {f"tag:{name}": held for name, held in shown["tags"].items()}
        fields |= {f"custom_field:{key}": held for key, held in shown["custom_fields"].items()}
        for field, held in fields.items():
            ticket.set(field, held["value"], held["revision"])
        for comment in shown["comments"]:
            ticket.hear(comment, comment.get("author"))
            if comment.get("redacted"):
                ticket.redact(comment["id"])
            stay = {file["id"] for file in comment.get("attachments") or []}
            for file in ticket["comments"][comment["id"]].get("attachments", {}).keys() - stay:
                ticket.redact(comment["id"], file)
        for share in shares:
            self._is_in(share, at)

    def _find(self, number: str | None, share: str | None) -> int | None:
        at = self._by_number.get(number)
        return self._by_share.get(share) if at is None else at

    def _touch(self, at: int) -> Ticket:
        self._changed.add(f"ticket:{at:08}")
        return self.tickets[at]

    def _new(self) -> int:
        self.tickets.append(Ticket())
        return len(self.tickets) - 1

    def _own(self, number: str) -> int:
        if number not in self._by_number:
            self._number(self._new(), number)
        return self._by_number[number]

    def _number(self, at: int, number: str) -> None:
        self._by_number[number] = at
        ticket = self._touch(at)
        ticket["number"] = number if ticket["number"] is None else ticket["number"]

    def _is_in(self, share: str, at: int) -> None:
        self._by_share[share] = at
        ticket = self._touch(at)
        ticket["shares"] = sorted({*ticket["shares"], share})
        waiting = self.early.pop(share, [])
        if waiting:
            self._changed.add(f"early:{share}")
        for update in waiting:
            self._updated(update)

    def _created(self, created: Mapping[str, Any]) -> None:
        at = self._by_share.get(created["share_id"])
        at = self._new() if at is None else at
        ticket = self._touch(at)
        ticket.take_fields(created, created["revision"])
        ticket.hear_all(created.get("comments"))
        names = ("subject", "requester", "requested_at", "received_from", "original_ticket_id")
        ticket["head"] = without_none({name: created.get(name) for name in names})
        self._is_in(created["share_id"], at)

    def _updated(self, updated: Mapping[str, Any]) -> None:
        share = updated["share_id"]
        at = self._by_share.get(share, self._by_number.get(updated.get("ticket_id")))
        if at is None:
            self.early.setdefault(share, []).append(dict(updated))
            self._changed.add(f"early:{share}")
            return
        ticket = self._touch(at)
        ticket.take_fields(updated, updated.get("revision") or 0)
        ticket.hear_all(updated.get("comments"))
        for redaction in updated.get("redact") or []:
            ticket.redact(redaction["comment_id"], redaction.get("attachment_id"))

    def _restored(self, state: Mapping[str, Any]) -> None:
        number = state.get("ticket_id")
        at = self._find(number, state["share_id"])
        at = self._new() if at is None else at
        if number is not None:
            self._number(at, number)
        ticket, status = self._touch(at), state["status"]
        held = {"value": status["value"], "custom_status": status.get("custom_status")}
        ticket.set("status", without_none(held), status["revision"])
        for tag in state["tags"]:
            ticket.set(f"tag:{tag['name']}", tag["present"], tag["revision"])
        for key, field in state["custom_fields"].items():
            ticket.set(f"custom_field:{key}", field_value(field["value"]), field["revision"])
        ticket.hear_all(state.get("comments"))
        self._is_in(state["share_id"], at)

    def _answered(self, receipt: Mapping[str, Any]) -> None:
        sent = self.sent.get(receipt["command_id"])
        if sent is None:
            return
        self.take_back(receipt["command_id"])
        share, number = receipt.get("share_id"), sent["ticket"]
        at = self._own(number) if number is not None else self._by_share.get(sent["share"] or share)
        if at is None or receipt["outcome"] == "rejected":
            return
        if share is not None:
            self._is_in(share, at)
        if receipt.get("revision") is None:
            return
        for field, value in sent["fields"].items():
            about = [it for it in receipt.get("decisions") or [] if it["item"] == field]
            values = [it["value"] for it in about if it.get("value") is not None]
            # Without a share a decision is about the desk's own ticket: it was not taken.
            refused = any(
                it.get("share_id") is None and it["outcome"] == "withheld" for it in about
            )
            if values or not refused:
                self._touch(at).set(
                    field, field_value(values[0]) if values else value, receipt["revision"]
                )
