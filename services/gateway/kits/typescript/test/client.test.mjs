// Requests, sends that survive, and the cursor, against a gateway played from a script of answers.

import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";

import { Client, Deliveries, Problem, Store, Unreachable } from "../dist/index.js";
import { delay } from "../dist/client.js";

const SHARE = "0b6ff5d0-3f6c-4c3e-9a5e-52b3f3f6a001";
let folder, path, stores;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "deskmesh-kit-"));
  [path, stores] = [join(folder, "desk.journal"), []];
});
afterEach(() => {
  for (const store of stores) store.close();
  rmSync(folder, { recursive: true });
});

/** Answers in order: a status with a body and headers, or something to throw. */
function gateway(...answers) {
  const [asked, pauses] = [[], []];
  return {
    asked,
    pauses,
    pause: async (milliseconds) => void pauses.push(milliseconds),
    fetch: async (url, request) => {
      asked.push({ path: url.replace("https://gateway.example", ""), ...request });
      const answer = answers.shift();
      if (!Array.isArray(answer)) throw answer;
      const [status, content, headers] = answer;
      return new Response(JSON.stringify(content), { status, headers });
    },
  };
}

function opened() {
  stores.push(new Store(path));
  return stores.at(-1);
}

/** As after a restart: all that is known is in the file. */
const client = ({ fetch, pause }, patience = 60_000) =>
  new Client("https://gateway.example/", "dm_secret", opened(), { fetch, pause, patience });

const receipt = (key, more) => ({
  command_id: key,
  command_type: "ticket.update.v1",
  outcome: "applied",
  decisions: [],
  ...more,
});
const waits = [202, { message_id: "k", state: "sent", receipt: null }];

test("a send is there before it is sent and goes with its receipt", async () => {
  let before;
  const dies = gateway(new TypeError("fetch failed"));
  const { fetch } = dies;
  dies.fetch = (...request) => {
    before = readFileSync(path, "utf8");
    return fetch(...request);
  };
  await assert.rejects(
    client(dies, 0).send("ticket.update.v1", { ticket_id: "1", status: "open" }, "k"),
    Unreachable,
  );
  assert.match(before, /"send:k"/);
  const again = gateway([
    200,
    { message_id: "k", state: "answered", receipt: receipt("k", { revision: 3 }) },
  ]);
  const desk = client(again);
  assert.deepEqual(desk.pending(), ["k"]);
  await desk.resend();
  assert.deepEqual(desk.pending(), []);
  const sent = JSON.parse(before.split("\n").findLast((line) => line))["send:k"].body;
  assert.deepEqual(JSON.parse(again.asked[0].body), sent);
  assert.equal(again.asked[0].headers["Idempotency-Key"], "k");
  assert.deepEqual(client(gateway()).model.ticket("1").fields, { status: [{ value: "open" }, 3] });
});

test("what is stored but has no receipt is sent again", async () => {
  await client(gateway(waits)).send(
    "ticket.update.v1",
    { ticket_id: "1", comments: [{ body: "Hi" }] },
    "k",
  );
  const desk = client(gateway());
  assert.deepEqual(desk.pending(), ["k"]);
  assert.deepEqual(
    Object.values(desk.model.ticket("1").comments).map((it) => it.body),
    ["Hi"],
  );
  desk.take("command.receipt.v1", receipt("k"));
  assert.deepEqual(client(gateway()).pending(), []);
});

test("a key with a receipt stands for what was sent with it", async () => {
  const answered = {
    message_id: "k/1",
    state: "answered",
    receipt: receipt("k/1", { revision: 3 }),
  };
  await client(gateway([200, answered])).send(
    "ticket.update.v1",
    { ticket_id: "1", status: "open" },
    "k/1",
  );
  const played = gateway([200, answered]);
  const desk = client(played);
  assert.deepEqual(
    await desk.send("ticket.update.v1", { ticket_id: "1", status: "solved" }, "k/1"),
    answered,
  );
  assert.deepEqual(
    [played.asked[0].method, played.asked[0].path],
    ["GET", "/v1/receipts/ticket/k%2F1"],
  );
  assert.deepEqual([desk.model.sent.size, desk.pending()], [0, []]);
  desk.store.save({ "done:k/1": { entity: "ticket", at: 0 } });
  assert.equal(client(gateway()).store.get("done:k/1"), undefined);
});

test("network errors and busy answers are tried again", async () => {
  const busy = [503, { reason: "not_stored" }, { "retry-after": "1" }];
  const played = gateway(
    new TypeError("fetch failed"),
    busy,
    [429, {}, { "retry-after": "7" }],
    waits,
  );
  await client(played).send("ticket.update.v1", { ticket_id: "1" }, "k");
  assert.equal(new Set(played.asked.map((it) => it.body)).size, 1);
  assert.ok(
    played.pauses[0] < 1000 && played.pauses[1] >= 1000 && played.pauses[2] >= 7000,
    `${played.pauses}`,
  );
});

test("a refusal is a problem and ends the send", async () => {
  const told = { reason: "malformed", detail: "leave it out", pointer: "/ticket_id" };
  const desk = client(gateway([422, told]));
  await assert.rejects(
    desk.send("ticket.update.v1", { ticket_id: "1", status: "open" }, "k"),
    (problem) => {
      assert.ok(problem instanceof Problem && !problem.message.includes("dm_secret"));
      assert.deepEqual(
        [problem.status, problem.reason, problem.pointer],
        [422, "malformed", "/ticket_id"],
      );
      return true;
    },
  );
  assert.deepEqual([desk.pending(), desk.model.sent.size], [[], 0]);
});

test("a token that is refused ends no send, and is in no log", async () => {
  const refused = [401, { reason: "no_token" }];
  const desk = client(gateway(refused, refused));
  await assert.rejects(desk.send("ticket.update.v1", { ticket_id: "1" }, "k"), Problem);
  await assert.rejects(desk.resend(), Problem);
  assert.deepEqual(desk.pending(), ["k"]);
  assert.ok(!JSON.stringify(desk).includes("dm_secret"));
});

test("an answer that is no problem document is a problem too", async () => {
  const answer = [404, "<html>"];
  await assert.rejects(client(gateway(answer)).get("/v1/account"), {
    status: 404,
    reason: "no_reason",
  });
});

test("delays grow and are spread and end", () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((tries) => delay(tries, null, 1)),
    [250, 500, 1000, 2000],
  );
  assert.deepEqual(
    [delay(1, null, 0), delay(99, null, 1), delay(0, "soon", 1)],
    [250, 30_000, 250],
  );
});

const update = (at, more) => ({
  cursor: `c${at}`,
  message_id: `m${at}`,
  type: "ticket.updated.v1",
  payload: { share_id: SHARE, received_from: "acme", via: "ticket_sharing", ...more },
});
const page = (deliveries, next = "c9") => [200, { deliveries, next, more: false }];

test("the cursor is saved after each delivery", async () => {
  const told = [];
  const handler = ({ message_id }) => {
    if (told.push(message_id) === 2) throw new Error("it dies");
  };
  await assert.rejects(
    new Deliveries(client(gateway(page([update(1), update(2)]))), handler).once(),
    /it dies/,
  );
  const played = gateway(page([update(2)]), page([]));
  const deliveries = new Deliveries(client(played), handler);
  assert.deepEqual([await deliveries.once(), await deliveries.once(3)], [1, 0]);
  assert.deepEqual(told, ["m1", "m2", "m2"]);
  assert.deepEqual(
    played.asked.map((it) => it.path),
    ["/v1/deliveries?after=c1&wait=25&limit=100", "/v1/deliveries?after=c9&wait=3&limit=100"],
  );
});

test("the loop goes on after the gateway was away and sends what waits", async () => {
  const stop = new AbortController();
  const away = [503, { reason: "not_stored" }];
  const played = gateway(
    away,
    new TypeError("fetch failed"),
    waits,
    away,
    page([update(1)]),
    page([]),
  );
  const desk = client(played, 0);
  await assert.rejects(desk.send("ticket.update.v1", { ticket_id: "1" }, "k"), Problem);
  await new Deliveries(desk, () => stop.abort()).run(stop.signal);
  assert.deepEqual(
    played.asked.map((it) => it.method),
    ["POST", "POST", "POST", "GET", "GET"],
  );
});

test("what the model took is there after a crash", async () => {
  const dies = () => {
    throw new Error("it dies");
  };
  const told = page([update(1, { revision: 4, status: "open" })]);
  await assert.rejects(new Deliveries(client(gateway(told)), dies).once(), /it dies/);
  assert.equal(client(gateway()).model.early.get(SHARE).length, 1);
});

test("a cursor that is gone leads to the fresh state", async () => {
  const ticket = {
    ticket_id: "1",
    subject: "Pump",
    tags: {},
    comments: [],
    shares: [{ share_id: SHARE }],
    status: { value: { value: "solved" }, revision: 8 },
    custom_fields: { x: { value: "2", revision: 7 } },
  };
  const played = gateway(
    waits,
    [410, { reason: "cursor_gone" }],
    [200, { cursor: "fresh" }],
    [200, { agreements: [{ agreement_id: "a" }], next: "a" }],
    [200, { agreements: [], next: null }],
    [200, { shares: [{ share_id: SHARE }], next: null }],
    [200, { tickets: [{ ticket_id: "1", shares: [SHARE] }], next: null }],
    [200, ticket],
    [200, { message_id: "k", state: "answered", receipt: receipt("k", { revision: 6 }) }],
    page([], "later"),
  );
  const [desk, states] = [client(played), []];
  await desk.send("ticket.update.v1", { ticket_id: "1", status: "pending" }, "k");
  const deliveries = new Deliveries(desk, assert.fail, (state) => void states.push(state));
  await deliveries.once();
  await deliveries.once();
  assert.deepEqual(states[0].agreements, [{ agreement_id: "a" }]);
  assert.match(played.asked.at(-1).path, /after=fresh/);
  assert.deepEqual(desk.pending(), []);
  const { fields } = client(gateway()).model.ticket("1");
  assert.deepEqual(fields, { status: [{ value: "solved" }, 8], "custom_field:x": ["2", 7] });
});

test("records come in the order in which they were first saved", () => {
  opened().save({ "send:b": 1, "send:a": 2, cursor: "x" });
  opened().save({ "send:b": 3, cursor: null });
  assert.deepEqual(Object.entries(opened().all("send:")), [
    ["send:b", 3],
    ["send:a", 2],
  ]);
  assert.equal(opened().get("cursor"), undefined);
});

test("a line that was not finished was not saved", () => {
  opened().save({ a: 1 });
  appendFileSync(path, '{"a":2,"b"');
  const store = opened();
  assert.deepEqual(store.all(""), { a: 1 });
  store.save({ c: 3 });
  assert.deepEqual(opened().all(""), { a: 1, c: 3 });
});
