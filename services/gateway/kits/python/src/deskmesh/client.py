"""Requests to the gateway, and commands that survive restarts."""

from __future__ import annotations

import http.client
import json
import random
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Mapping, NamedTuple

from .model import KEPT, Model
from .store import Store

SEND, DONE = "send:", "done:"  # how the names of pending commands and of those with a receipt begin
REMEMBERED = 30 * 86400.0  # seconds for which the gateway knows a key
LONGEST_DELAY = 30.0  # seconds between two tries
BUSY = (408, 429, 500, 502, 503, 504)  # what the same request may get past later


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


Transport = Callable[[str, str, Mapping[str, str], "bytes | None", float], Answer]


class Problem(Exception):
    """The gateway refused a request (RFC 9457). `reason` is the code; `detail` says what to do."""

    def __init__(self, answer: Answer) -> None:
        try:
            told = json.loads(answer.body)
        except ValueError:
            told = None
        told = told if isinstance(told, dict) else {}
        self.status = answer.status
        self.reason: str = told.get("reason") or "no_reason"
        self.detail: str = told.get("detail") or f"the answer was {answer.status}"
        self.pointer: str | None = told.get("pointer")
        super().__init__(
            f"{self.reason}: {self.detail}" + (f" ({self.pointer})" if self.pointer else "")
        )


class Unreachable(Exception):
    """Nobody answered in time. A command stays pending: `resend` sends it again."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to one host alone."""

    def redirect_request(self, *_: Any) -> None:
        return None


def https(ca: str | None = None) -> Transport:
    """The transport of urllib; `ca`: a file of authorities to trust in place of the system's."""
    context = ssl.create_default_context(cafile=ca)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), NoRedirect)

    def exchange(
        method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float
    ) -> Answer:
        request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)
        try:
            with opener.open(request, timeout=timeout) as answer:
                return Answer(
                    answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
                )
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(
                    refused.code, {k.lower(): v for k, v in refused.headers.items()}, refused.read()
                )

    return exchange


def delay(tries: int, retry_after: str | None, chance: float) -> float:
    """Seconds until the next try: growing and spread, and never sooner than the gateway said."""
    spread = min(LONGEST_DELAY, 0.25 * 2.0 ** min(tries, 10)) * (0.5 + chance / 2)
    told, said = retry_after or "0", 0.0
    try:
        said = (
            float(told)
            if told.isdecimal()
            else parsedate_to_datetime(told).timestamp() - time.time()
        )
    except ValueError:
        pass  # neither seconds nor a date
    return max(said, spread)


def whole(command_type: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """A command with the ids and the time that were left out: made here, so that the model knows
    them.
    """
    command: dict[str, Any] = json.loads(json.dumps(payload))
    shares = command_type == "ticket.share.v1"
    if shares or command_type == "ticket.update.v1":
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        command["occurred_at"] = command.get("occurred_at") or now
        for comment in (command["ticket"] if shares else command).get("comments") or []:
            comment["id"] = comment.get("id") or str(uuid.uuid4())
    named = {"ticket.share.v1": "share_id", "agreement.invite.v1": "agreement_id"}.get(command_type)
    if named:
        command[named] = command.get(named) or str(uuid.uuid4())
    return command


class Client:
    """One account at the gateway. What it sends is in the store before it is sent, and there until
    its receipt is.
    """

    def __init__(
        self,
        url: str,
        token: str,
        store: Store,
        transport: Transport | None = None,
        patience: float = 60.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store = store
        self.model = Model(store.all(*KEPT))
        self._url, self._token, self._exchange = url.rstrip("/"), token, transport or https()
        self._patience, self._pause = patience, pause
        self.lock = threading.RLock()  # held while model and store change together
        self.unsent = bool(self.pending())  # whether a command may not have reached the gateway
        old = time.time() - REMEMBERED
        store.save({name: None for name, done in store.all(DONE).items() if done["at"] < old})

    def get(self, path: str, **query: Any) -> Any:
        """What the gateway answers at a path, e.g. `get("/v1/shares", limit=10)`."""
        return self._ask("GET", path, {name: it for name, it in query.items() if it is not None})

    def send(
        self, command_type: str, payload: Mapping[str, Any], key: str | None = None, wait: int = 10
    ) -> Any:
        """Sends a command once, however often it is tried, and says where it is: with its
        `receipt`, if that came within `wait` seconds. Raises `Problem` when the gateway refuses it,
        `Unreachable` when it is kept only here. A key that was used in the last 30 days stands for
        what was first sent with it.
        """
        key = key or str(uuid.uuid4())
        command = whole(command_type, payload)
        with self.lock:
            if self.store.get(SEND + key) is None and self.store.get(DONE + key) is None:
                self.model.about_to_send(key, command_type, command)
                body = {"type": command_type, "payload": command}
                pending = {"method": "POST", "path": "/v1/commands", "body": body}
                self.store.save({SEND + key: pending, **self.model.changes()})
        return self._send(key, wait)

    def pending(self) -> list[str]:
        """The keys of commands without a receipt, the oldest first."""
        return [name.removeprefix(SEND) for name in self.store.all(SEND)]

    def resend(self, wait: int = 0) -> None:
        """Sends all commands without a receipt again. A repeat has no second effect; one that is
        refused is dropped.
        """
        self.unsent = False
        for key in self.pending():
            try:
                self._send(key, wait)
            except Problem:
                if self.unsent:
                    raise

    def take(self, type: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Lets the model take what was told; returns what is to be saved."""
        self.model.take(type, payload)
        done: dict[str, Any] = {}
        if type == "command.receipt.v1":
            entity = payload["command_type"].partition(".")[0]
            key = payload["command_id"]
            done = {SEND + key: None, DONE + key: {"entity": entity, "at": time.time()}}
        return {**done, **self.model.changes()}

    def _send(self, key: str, wait: int) -> Any:
        pending, done = self.store.get(SEND + key), self.store.get(DONE + key)
        if pending is None and done is None:  # another thread was told why
            return {"message_id": key, "state": "refused", "receipt": None}
        if done:
            return self.get(f"/v1/receipts/{done['entity']}/{urllib.parse.quote(key, safe='')}")
        headers = {"Idempotency-Key": key} | ({"Prefer": f"wait={wait}"} if wait else {})
        try:
            answer = self._ask(
                pending["method"], pending["path"], {}, pending["body"], headers, wait
            )
        except Unreachable:
            self.unsent = True
            raise
        except Problem as problem:
            if problem.status in (401, *BUSY):
                self.unsent = True
                raise
            with self.lock:
                self.model.take_back(key)
                self.store.save({SEND + key: None, **self.model.changes()})
            raise
        if answer.get("receipt"):
            with self.lock:
                self.store.save(self.take("command.receipt.v1", answer["receipt"]))
        return answer

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        wait: int = 0,
    ) -> Any:
        url = self._url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/json",
            **(headers or {}),
        }
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        timeout = 30.0 + max(wait, int(query.get("wait", 0)))
        until, tries, answer = time.monotonic() + self._patience, 0, None
        while True:
            try:
                answer, failure = self._exchange(method, url, headers, content, timeout), None
            except (OSError, http.client.HTTPException) as error:  # also an answer that breaks off
                answer, failure = None, error
            if answer is not None and answer.status not in BUSY:
                if answer.status >= 300:
                    raise Problem(answer)
                return json.loads(answer.body)
            seconds = delay(
                tries, answer.headers.get("retry-after") if answer else None, random.random()
            )
            if time.monotonic() + seconds > until:
                if answer is not None:
                    raise Problem(answer)
                raise Unreachable(f"{method} {path}: nobody answers") from failure
            tries += 1
            self._pause(seconds)
