"""Requests, sends that survive, and the cursor, against a gateway played from a script of
answers.
"""

import json
import tempfile
import threading
import unittest
from pathlib import Path

from deskmesh import Answer, Client, Deliveries, Problem, Store, Unreachable
from deskmesh.client import delay

SHARE = "0b6ff5d0-3f6c-4c3e-9a5e-52b3f3f6a001"


class Crash(BaseException):
    """The process dies here."""


class Gateway:
    """Answers in order: a status with a body and headers, or something to raise."""

    def __init__(self, *answers):
        self.answers, self.asked, self.pauses = list(answers), [], []

    def __call__(self, method, url, headers, body, timeout):
        self.asked.append((method, url.removeprefix("https://gateway.example"), headers, body))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        status, content, *more = answer
        return Answer(status, more[0] if more else {}, json.dumps(content).encode())


def receipt(key, **more):
    return {
        "command_id": key,
        "command_type": "ticket.update.v1",
        "outcome": "applied",
        "decisions": [],
        **more,
    }


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = str(Path(folder.name) / "desk.db")

    def client(self, gateway, patience=60.0):
        store = Store(self.path)
        self.addCleanup(store.close)
        return Client(
            "https://gateway.example/", "dm_secret", store, gateway, patience, gateway.pauses.append
        )


class Sends(Case):
    def test_a_send_is_there_before_it_is_sent_and_goes_with_its_receipt(self):
        gateway = Gateway(Crash())
        with self.assertRaises(Crash):
            self.client(gateway).send(
                "ticket.update.v1", {"ticket_id": "1", "status": "open"}, key="k"
            )
        again = Gateway(
            (200, {"message_id": "k", "state": "answered", "receipt": receipt("k", revision=3)})
        )
        client = self.client(again)
        self.assertEqual(client.pending(), ["k"])
        client.resend()
        self.assertEqual(client.pending(), [])
        # The same request: also its time and ids.
        self.assertEqual(again.asked[0][3], gateway.asked[0][3])
        self.assertEqual(again.asked[0][2]["Idempotency-Key"], "k")
        self.assertEqual(
            self.client(Gateway()).model.ticket("1")["fields"], {"status": [{"value": "open"}, 3]}
        )

    def test_what_is_stored_but_has_no_receipt_is_sent_again(self):
        gateway = Gateway((202, {"message_id": "k", "state": "sent", "receipt": None}))
        self.client(gateway).send(
            "ticket.update.v1", {"ticket_id": "1", "comments": [{"body": "Hi"}]}, key="k"
        )
        client = self.client(Gateway())
        self.assertEqual(client.pending(), ["k"])
        self.assertEqual(
            [it["body"] for it in client.model.ticket("1")["comments"].values()], ["Hi"]
        )
        client.store.save(client.take("command.receipt.v1", receipt("k")))
        self.assertEqual(self.client(Gateway()).pending(), [])

    def test_a_key_with_a_receipt_stands_for_what_was_sent_with_it(self):
        answered = {"message_id": "k/1", "state": "answered", "receipt": receipt("k/1", revision=3)}
        self.client(Gateway((200, answered))).send(
            "ticket.update.v1", {"ticket_id": "1", "status": "open"}, key="k/1"
        )
        gateway = Gateway((200, answered))
        client = self.client(gateway)
        again = client.send("ticket.update.v1", {"ticket_id": "1", "status": "solved"}, key="k/1")
        self.assertEqual(
            (again, gateway.asked[0][:2]), (answered, ("GET", "/v1/receipts/ticket/k%2F1"))
        )
        self.assertEqual((client.model.sent, client.pending()), ({}, []))
        client.store.save({"done:k/1": {"entity": "ticket", "at": 0}})
        self.assertIsNone(self.client(Gateway()).store.get("done:k/1"))

    def test_network_errors_and_busy_answers_are_tried_again(self):
        done = (202, {"message_id": "k", "state": "accepted", "receipt": None})
        busy = (503, {"reason": "not_stored"}, {"retry-after": "1"})
        gateway = Gateway(ConnectionResetError(), busy, (429, {}, {"retry-after": "7"}), done)
        self.client(gateway).send("ticket.update.v1", {"ticket_id": "1"}, key="k")
        self.assertEqual(len({asked[3] for asked in gateway.asked}), 1)
        self.assertLess(gateway.pauses[0], 1)
        self.assertGreaterEqual(gateway.pauses[1], 1)
        self.assertGreaterEqual(gateway.pauses[2], 7)

    def test_who_is_not_answered_in_time_keeps_the_send(self):
        client = self.client(Gateway(ConnectionRefusedError()), patience=0)
        self.assertRaises(Unreachable, client.send, "ticket.update.v1", {"ticket_id": "1"}, "k")
        self.assertEqual(client.pending(), ["k"])

    def test_a_refusal_is_a_problem_and_ends_the_send(self):
        told = {"reason": "malformed", "detail": "leave it out", "pointer": "/ticket_id"}
        client = self.client(Gateway((422, told)))
        with self.assertRaises(Problem) as caught:
            client.send("ticket.update.v1", {"ticket_id": "1", "status": "open"}, key="k")
        problem = caught.exception
        self.assertEqual(
            (problem.status, problem.reason, problem.pointer), (422, "malformed", "/ticket_id")
        )
        self.assertNotIn("dm_secret", str(problem))
        self.assertEqual((client.pending(), client.model.sent), ([], {}))

    def test_a_token_that_is_refused_ends_no_send(self):
        client = self.client(Gateway((401, {"reason": "no_token"}), (401, {"reason": "no_token"})))
        self.assertRaises(Problem, client.send, "ticket.update.v1", {"ticket_id": "1"}, "k")
        self.assertRaises(Problem, client.resend)
        self.assertEqual(client.pending(), ["k"])

    def test_an_answer_that_is_no_problem_document_is_a_problem_too(self):
        client = self.client(Gateway((404, ["?"])))
        with self.assertRaises(Problem) as caught:
            client.get("/v1/account")
        self.assertEqual((caught.exception.status, caught.exception.reason), (404, "no_reason"))

    def test_delays_grow_and_are_spread_and_end(self):
        self.assertEqual([delay(tries, None, 1) for tries in range(4)], [0.25, 0.5, 1, 2])
        self.assertEqual(delay(1, None, 0), 0.25)
        self.assertEqual(delay(99, None, 1), 30)
        self.assertEqual(delay(0, "soon", 1), 0.25)


def update(at, **more):
    payload = {"share_id": SHARE, "received_from": "acme", "via": "ticket_sharing", **more}
    return {
        "cursor": f"c{at}",
        "message_id": f"m{at}",
        "type": "ticket.updated.v1",
        "payload": payload,
    }


def page(*deliveries, next="c9"):
    return (200, {"deliveries": list(deliveries), "next": next, "more": False})


class Cursor(Case):
    def test_the_cursor_is_saved_after_each_delivery(self):
        told = []

        def handler(delivery):
            told.append(delivery["message_id"])
            if len(told) == 2:
                raise Crash

        client = self.client(Gateway(page(update(1), update(2))))
        self.assertRaises(Crash, Deliveries(client, handler).once)
        gateway = Gateway(page(update(2)), page(next="c9"))
        deliveries = Deliveries(self.client(gateway), handler)
        self.assertEqual([deliveries.once(), deliveries.once(wait=3)], [1, 0])
        self.assertEqual(told, ["m1", "m2", "m2"])
        self.assertEqual(gateway.asked[0][1], "/v1/deliveries?after=c1&wait=25&limit=100")
        self.assertEqual(gateway.asked[1][1], "/v1/deliveries?after=c9&wait=3&limit=100")

    def test_the_loop_goes_on_after_the_gateway_was_away_and_sends_what_waits(self):
        waits = (202, {"message_id": "k", "state": "sent", "receipt": None})
        gateway = Gateway(
            (503, {"reason": "not_stored"}),
            ConnectionResetError(),
            waits,
            (503, {}),
            page(),
            Crash(),
        )
        client = self.client(gateway, patience=0)
        self.assertRaises(Problem, client.send, "ticket.update.v1", {"ticket_id": "1"}, "k")
        self.assertRaises(Crash, Deliveries(client, self.fail).run, threading.Event())
        self.assertEqual(
            [asked[0] for asked in gateway.asked], ["POST", "POST", "POST", "GET", "GET", "GET"]
        )

    def test_what_the_model_took_is_there_after_a_crash(self):
        client = self.client(Gateway(page(update(1, revision=4, status="open"))))
        self.assertRaises(Crash, Deliveries(client, self.crash).once)
        self.assertEqual(len(self.client(Gateway()).model.early[SHARE]), 1)

    def crash(self, _):
        raise Crash

    def test_a_cursor_that_is_gone_leads_to_the_fresh_state(self):
        ticket = {
            "ticket_id": "1",
            "subject": "Pump",
            "tags": {},
            "comments": [],
            "shares": [{"share_id": SHARE}],
            "status": {"value": {"value": "solved"}, "revision": 8},
            "custom_fields": {"x": {"value": "2", "revision": 7}},
        }
        pending = (202, {"message_id": "k", "state": "sent", "receipt": None})
        gateway = Gateway(
            pending,
            (410, {"reason": "cursor_gone"}),
            (200, {"cursor": "fresh"}),
            (200, {"agreements": [{"agreement_id": "a"}], "next": "a"}),
            (200, {"agreements": [], "next": None}),
            (200, {"shares": [{"share_id": SHARE}], "next": None}),
            (200, {"tickets": [{"ticket_id": "1", "shares": [SHARE]}], "next": None}),
            (200, ticket),
            (200, {"message_id": "k", "state": "answered", "receipt": receipt("k", revision=6)}),
            page(next="later"),
        )
        client, states = self.client(gateway), []
        client.send("ticket.update.v1", {"ticket_id": "1", "status": "pending"}, key="k")
        deliveries = Deliveries(client, self.fail, states.append)
        deliveries.once()
        deliveries.once()
        self.assertEqual([it["agreement_id"] for it in states[0]["agreements"]], ["a"])
        self.assertIn("after=fresh", gateway.asked[-1][1])
        self.assertEqual(client.pending(), [])
        fields = self.client(Gateway()).model.ticket("1")["fields"]
        self.assertEqual(fields, {"status": [{"value": "solved"}, 8], "custom_field:x": ["2", 7]})


class Kept(Case):
    def test_records_come_in_the_order_in_which_they_were_first_saved(self):
        store = Store(self.path)
        store.save({"send:b": 1, "send:a": 2, "cursor": "x"})
        store.save({"send:b": 3, "cursor": None})
        store.close()
        store = Store(self.path)
        self.addCleanup(store.close)
        self.assertEqual(list(store.all("send:").items()), [("send:b", 3), ("send:a", 2)])
        self.assertIsNone(store.get("cursor"))

    def test_a_save_is_all_or_nothing(self):
        store = Store(self.path)
        self.addCleanup(store.close)
        self.assertRaises(TypeError, store.save, {"a": 1, "b": object()})
        self.assertEqual(store.all("a", "b"), {})


if __name__ == "__main__":
    unittest.main()
