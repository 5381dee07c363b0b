"""What the account is told: one log, read with a cursor that is saved after what it told."""

from __future__ import annotations

import threading
from typing import Any, Callable

from .client import BUSY, Client, Problem, Unreachable

CURSOR = "cursor"


def fresh_state(client: Client) -> dict[str, Any]:
    """All that the gateway holds of the account, and the cursor from before it was read."""
    state: dict[str, Any] = {"cursor": client.get("/v1/account")["cursor"]}
    for what in ("agreements", "shares", "tickets"):
        state[what], after = [], None
        while True:
            page = client.get(f"/v1/{what}", after=after, limit=200)
            state[what] += page[what]
            after = page.get("next")
            if not after:
                break
    names = [it["shares"][0] for it in state["tickets"] if it["shares"]]
    state["tickets"] = [client.get(f"/v1/shares/{share}/ticket") for share in names]
    return state


class Deliveries:
    """Reads on from where the last run got to. `handler` is called with each delivery, at least
    once, after the model took it and before the cursor is saved; when it raises, the delivery comes
    again. `resynced` is called with the fresh state when the log no longer holds what stood at the
    cursor.
    """

    def __init__(
        self,
        client: Client,
        handler: Callable[[Any], None],
        resynced: Callable[[dict[str, Any]], None] = lambda state: None,
    ) -> None:
        self._client, self._handler, self._resynced = client, handler, resynced

    def once(self, wait: int = 25, limit: int = 100) -> int:
        """Reads one page; waits for it at most so many seconds. Returns how many deliveries were in
        it.
        """
        client = self._client
        try:
            page = client.get(
                "/v1/deliveries", after=client.store.get(CURSOR), wait=wait, limit=limit
            )
        except Problem as problem:
            if problem.status != 410:
                raise
            self._resync()
            return 0
        for delivery in page["deliveries"]:
            with client.lock:
                changes = client.take(delivery["type"], delivery["payload"])
                client.store.save(changes)
            self._handler(delivery)
            client.store.save({CURSOR: delivery["cursor"]})
        client.store.save({CURSOR: page["next"]})
        return len(page["deliveries"])

    def run(self, stop: threading.Event) -> None:
        """Sends what did not arrive and reads, until it is told to stop. Raises what the handler
        raises, and a `Problem` that waiting cannot mend.
        """
        while not stop.is_set():
            try:
                if self._client.unsent:
                    self._client.resend()
                self.once()
            except Unreachable:
                continue
            except Problem as problem:
                if problem.status not in BUSY:
                    raise

    def _resync(self) -> None:
        client, state = self._client, fresh_state(self._client)
        with client.lock:
            for ticket in state["tickets"]:
                client.model.held(ticket)
            client.store.save(client.model.changes())
        self._resynced(state)
        client.store.save({CURSOR: state["cursor"]})
        client.resend()  # receipts that the log lost
