#!/usr/bin/env node
// A desk on the TypeScript kit: does what lines of JSON on standard input ask for, and answers each
// with a line.

import { createInterface } from "node:readline";

import { Client, Deliveries, Store } from "../../services/gateway/kits/typescript/dist/index.js";

let dies; // where the process is to die: "before_request", "after_request" or "before_cursor"
let told = [];

const die = (where) => {
  if (dies === where) process.kill(process.pid, "SIGKILL");
};

async function exchange(url, request) {
  if (request.method === "POST") die("before_request");
  const answer = await fetch(url, request);
  if (request.method === "POST") die("after_request");
  return answer;
}

function handler(delivery) {
  told.push(delivery);
  die("before_cursor");
}

const say = (answer) => console.log(JSON.stringify(answer));
const { GATEWAY_URL, DESK_TOKEN, DESK_STORE } = process.env;
const client = new Client(GATEWAY_URL, DESK_TOKEN, new Store(DESK_STORE), { fetch: exchange });
const deliveries = new Deliveries(client, handler);
const resent = client.pending();
await client.resend();
say({ resent });
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  dies = asked.dies;
  if (asked.do === "send") {
    say(await client.send(asked.type, asked.payload, asked.key, 20));
  } else if (asked.do === "read") {
    told = [];
    await deliveries.once(asked.wait);
    say({ told });
  } else if (asked.do === "base") {
    say({ revision: client.model.baseRevision(asked.number, asked.fields) ?? null });
  } else if (asked.do === "cursor") {
    client.store.save({ cursor: asked.cursor });
    say({});
  } else {
    const { tickets, early, sent } = client.model;
    say({
      tickets,
      early: Object.fromEntries(early),
      sent: [...sent.keys()],
      pending: client.pending(),
    });
  }
}
