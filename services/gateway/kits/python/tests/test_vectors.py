"""Model and webhooks do what the vectors say, which the TypeScript kit is held to as well."""

import json
import unittest
from pathlib import Path

from deskmesh import Model, WebhookError, verify

VECTORS = Path(__file__).resolve().parents[2] / "vectors"


def played(steps, restarts):
    """Takes the steps; with restarts the model is put together again from what was saved after
    each.
    """
    model, kept = Model(), {}
    for step in steps:
        if "send" in step:
            model.about_to_send(*step["send"])
        elif "take" in step:
            model.take(*step["take"])
        else:
            model.held(step["held"])
        for name, record in model.changes().items():
            kept[name] = None if record is None else json.dumps(record)
        if restarts:
            model = Model(
                {name: json.loads(record) for name, record in kept.items() if record is not None}
            )
    return model


class Vectors(unittest.TestCase):
    maxDiff = None

    def test_the_model_holds_what_each_vector_says(self):
        count = 0
        for file in ("receipts", "deliveries", "comments", "states"):
            for vector in json.loads((VECTORS / f"{file}.json").read_text()):
                for restarts in (False, True):
                    with self.subTest(file=file, vector=vector["name"], restarts=restarts):
                        model = played(vector["steps"], restarts)
                        held = {
                            "tickets": model.tickets,
                            "early": model.early,
                            "sent": list(model.sent),
                        }
                        self.assertEqual(held, vector["expected"], vector["why"])
                        count += 1
        self.assertGreaterEqual(count, 70)

    def test_all_of_it_told_again_changes_nothing(self):
        for file in ("receipts", "deliveries", "comments"):
            for vector in json.loads((VECTORS / f"{file}.json").read_text()):
                with self.subTest(file=file, vector=vector["name"]):
                    model = played(vector["steps"], False)
                    revisions = [
                        {name: field[1] for name, field in it["fields"].items()}
                        for it in model.tickets
                    ]
                    comments = [json.dumps(it["comments"]) for it in model.tickets]
                    for step in vector["steps"]:
                        if "take" in step and step["take"][0] != "ticket.created.v1":
                            model.take(*step["take"])
                    now = [
                        {name: field[1] for name, field in it["fields"].items()}
                        for it in model.tickets
                    ]
                    self.assertEqual(now, revisions)
                    self.assertEqual([json.dumps(it["comments"]) for it in model.tickets], comments)

    def test_each_webhook_is_taken_or_refused(self):
        for vector in json.loads((VECTORS / "webhooks.json").read_text()):
            with self.subTest(vector["name"]):
                asked = (
                    vector["secrets"],
                    vector["headers"],
                    vector["body"].encode(),
                    vector["now"],
                )
                if vector["accepted"]:
                    self.assertEqual(verify(*asked), json.loads(vector["body"]))
                else:
                    self.assertRaises(WebhookError, verify, *asked)

    def test_a_secret_that_is_none_is_a_mistake_of_the_desk(self):
        headers = {"webhook-id": "1", "webhook-timestamp": "0", "webhook-signature": "v1,"}
        self.assertRaises(ValueError, verify, "whsec_?", headers, b"{}", 0)

    def test_the_lowest_revision_of_the_fields_touched(self):
        vectors = {it["name"]: it for it in json.loads((VECTORS / "receipts.json").read_text())}
        model = played(vectors["the sent value stands"]["steps"], False)
        self.assertEqual(model.base_revision("G-1", ["status", "custom_field:order"]), 5)
        self.assertIsNone(model.base_revision("G-1", ["tag:never"]))
        self.assertIsNone(model.base_revision("G-2", ["status"]))


if __name__ == "__main__":
    unittest.main()
