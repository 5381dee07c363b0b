// Model and webhooks do what the vectors say, which the Python kit is held to as well.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Model, seen, verify, WebhookError } from "../dist/index.js";

const vectors = (name) =>
  JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8"));

/**
 * Takes the steps; with restarts the model is put together again from what was saved after each.
 */
function played(steps, restarts) {
  let model = new Model();
  const kept = {};
  for (const step of structuredClone(steps)) {
    if (step.send) model.aboutToSend(...step.send);
    else if (step.take) model.take(...step.take);
    else model.held(step.held);
    for (const [name, record] of Object.entries(model.changes())) {
      if (record === null) delete kept[name];
      else kept[name] = JSON.parse(JSON.stringify(record));
    }
    if (restarts) model = new Model(kept);
  }
  return model;
}

for (const file of ["receipts", "deliveries", "comments", "states"]) {
  for (const { name, why, steps, expected } of vectors(file)) {
    for (const restarts of [false, true]) {
      test(`${file}: ${name}${restarts ? ", with restarts" : ""}`, () => {
        const model = played(steps, restarts);
        const held = {
          tickets: model.tickets,
          early: Object.fromEntries(model.early),
          sent: [...model.sent.keys()],
        };
        assert.deepEqual(JSON.parse(JSON.stringify(held)), expected, why);
      });
    }
  }
}

for (const { name, secrets, headers, body, now, accepted } of vectors("webhooks")) {
  test(`a webhook: ${name}`, () => {
    for (const arrived of [body, new TextEncoder().encode(body)]) {
      if (accepted) assert.deepEqual(verify(secrets, headers, arrived, now), JSON.parse(body));
      else assert.throws(() => verify(secrets, headers, arrived, now), WebhookError);
    }
  });
}

test("the lowest revision of the fields touched, and what an agent sees", () => {
  const { steps } = vectors("receipts").find((it) => it.name === "the sent value stands");
  const model = played(
    [
      ...steps,
      {
        held: {
          ticket_id: "G-1",
          comments: [],
          shares: [],
          custom_fields: {},
          tags: { gone: { value: false, revision: 6 } },
        },
      },
    ],
    false,
  );
  assert.equal(model.baseRevision("G-1", ["status", "custom_field:order"]), 5);
  assert.equal(model.baseRevision("G-1", ["tag:never"]), undefined);
  assert.equal(model.baseRevision("G-2", ["status"]), undefined);
  assert.deepEqual(seen(model.ticket("G-1")), {
    status: { value: "pending" },
    "custom_field:order": "7",
  });
});
