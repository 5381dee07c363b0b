// Two people share tickets, each at the pages of their own account: invite, accept, share, see what
// stayed, end. What the other did appears without a reload. Then every page is looked at: axe, 360
// px, dark, three languages, no script.

import assert from "node:assert/strict";

import { check, ends, everyPage, open, person, say, until } from "./browser.mjs";

const { ACME_LINK, GLOBEX_LINK, ACME_TOKEN, GLOBEX_TOKEN, GATEWAY_URL, RUN } = process.env;
const PASSWORD = "three quiet pumps";

const browser = await open();
await ends(browser, story);

async function story() {
  const [acme, globex] = await Promise.all([person(browser, "Acme"), person(browser, "Globex")]);
  const [sam, lee] = await Promise.all([
    firstTime(acme, ACME_LINK, "first-time"),
    firstTime(globex, GLOBEX_LINK),
  ]);
  await check(lee, "sharing-empty");
  await byKeyboard(sam);
  say("both signed in by their links");

  // Whatever appears from here on appears without a reload.
  await lee.evaluate(() => (window.sameDocument = true));
  await invite(sam, `globex-${RUN}`, "Field repairs");
  await lee.getByText("Acme Energy invites you to share tickets.").waitFor();
  say("the invite appeared");
  const list = await acme.newPage();
  await list.goto("/sharing");
  await list.evaluate(() => (window.sameDocument = true));
  await list.getByText("Not answered").waitFor();
  assert.equal(await lee.evaluate(() => window.sameDocument), true, "it came without a reload");

  await lee.getByRole("link", { name: /View the terms and decide/ }).click();
  await check(lee, "sharing-invitation");
  await lee.getByRole("button", { name: "Accept" }).click();
  await lee.getByText("Accepted. Your partner can share tickets with you now.").waitFor();
  const row = list.getByRole("row", { name: /Globex Repairs/ });
  await until("the row is active", async () =>
    (await row.innerText()).includes("Nothing shared yet"),
  );
  assert.equal(await list.evaluate(() => window.sameDocument), true, "it came without a reload");
  say("the acceptance appeared");

  const agreement = new URL(sam.url()).pathname;
  await fields();
  await compareFields(sam, agreement);
  say("the fields were compared");
  await list.goto("/sharing/tickets");
  await share(agreement.split("/").pop());
  await list.getByRole("rowheader", { name: "Meter shows nothing" }).waitFor();
  say("the shared ticket appeared");
  await list.getByRole("link", { name: /What crossed/ }).click();
  await list.getByText("Tags that rules add are never shared").first().waitFor();
  const why = new URL(list.url()).pathname;

  await everyPage(browser, acme, pages({ agreement, why }));
  say("every page was looked at");
  await withoutScript(acme, globex);
  say("the same works without script");

  await sam.goto(agreement);
  await sam.getByLabel("I understand that this is final").check();
  await sam.getByRole("button", { name: "Deactivate agreement" }).click();
  await sam.getByText("The agreement is deactivated, for good.").waitFor();
  await check(sam, "sharing-ended");
  await lee.goto("/sharing?show=past");
  await lee.getByText("Deactivated by them").waitFor();
  await sam.getByRole("link", { name: "Invite again" }).click();
  assert.equal(await sam.getByLabel("Partner’s address").inputValue(), `globex-${RUN}`);
  await sam.getByRole("button", { name: "Sign out" }).click();
  await sam.goto("/sharing");
  assert.equal(new URL(sam.url()).pathname, "/sign-in");
  assert.equal(await sam.getByLabel("Organisation").inputValue(), "");
  await check(sam, "sign-in");
  await sam.getByLabel("Organisation").fill(`acme-${RUN}`);
  await sam.getByLabel("E-mail address").fill(`admin@acme-${RUN}.example`);
  await sam.getByLabel("Password").fill("not this one");
  await sam.getByRole("button", { name: "Sign in" }).click();
  await sam.getByText("do not match").waitFor();
  await check(sam, "sign-in-wrong");
  await sam.getByLabel("Password").fill(PASSWORD);
  await sam.keyboard.press("Enter");
  await sam.waitForURL("**/sharing");
  say("ended, signed out and in again");
}

async function firstTime(context, link, name) {
  const page = await context.newPage();
  await page.goto(link);
  if (name) await check(page, name);
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("Repeat the password").fill(PASSWORD);
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await page.waitForURL("**/sharing");
  return page;
}

/** What is focused is seen, and the first of it leads past the navigation. */
async function byKeyboard(page) {
  for (let tab = 0; tab < 12; tab += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const it = document.activeElement;
      const style = getComputedStyle(it);
      return {
        text: it.textContent.trim(),
        outline: parseFloat(style.outlineWidth),
        kind: style.outlineStyle,
      };
    });
    if (tab === 0) assert.equal(focused.text, "Skip to content");
    assert.ok(focused.outline >= 2 && focused.kind !== "none", `focus is seen on ${focused.text}`);
  }
}

async function invite(page, address, name) {
  await page.goto("/sharing/invite");
  await page.getByRole("button", { name: "Send invite" }).click();
  assert.equal(
    new URL(page.url()).pathname,
    "/sharing/invite",
    "the browser asks for the permission",
  );
  await page.getByLabel("Make private comments, do not sync status").check();
  await page.getByText("You can write private comments only.").waitFor();
  await page.getByLabel("Make public and private comments, sync status").check();
  await page.getByText("You can answer the requester directly").waitFor();
  await page.getByLabel("Yes, share tags").check();
  await page.getByLabel("Yes, sync custom fields").check();
  await page.getByLabel("Name of the agreement").fill(name);
  await page.getByLabel("Partner’s address").fill("nobody-has-this");
  await page.getByRole("button", { name: "Send invite" }).click();
  await page.getByText("The invite was not sent").waitFor();
  await check(page, "sharing-invite-errors");
  await page.getByLabel("Partner’s address").fill(address);
  await page.getByRole("button", { name: "Send invite" }).click();
  await page.getByText("The invite is sent.").waitFor();
}

/** A ticket with a tag that a rule added, sent by Acme's program. */
async function share(agreement) {
  const ticket = {
    subject: "Meter shows nothing",
    status: "open",
    tags: [
      { name: "meter", added_by: "user" },
      { name: "vip", added_by: "rule" },
    ],
    comments: [{ body: "It went dark this morning.", public: true }],
  };
  const answer = await fetch(`${GATEWAY_URL}/v1/tickets/4711/shares`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${ACME_TOKEN}`,
      "content-type": "application/json",
      prefer: "wait=10",
    },
    body: JSON.stringify({ agreement_id: agreement, ticket }),
  });
  const { receipt } = await answer.json();
  assert.equal(receipt?.outcome, "partial", JSON.stringify(receipt));
}

/** Each side's fields: one that matches, one whose types differ, one that only Acme has. */
async function fields() {
  const text = (key, title) => ({ key, title, type: "text" });
  const told = {
    [ACME_TOKEN]: [
      text("order", "Order"),
      { key: "serial", title: "Serial number", type: "checkbox" },
      text("bay", "Bay"),
    ],
    [GLOBEX_TOKEN]: [text("o", "order"), { key: "s", title: "Serial number", type: "date" }],
  };
  await Promise.all(
    Object.entries(told).map(async ([token, ticket_fields]) => {
      const answer = await fetch(`${GATEWAY_URL}/v1/account`, {
        method: "PATCH",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          prefer: "wait=10",
        },
        body: JSON.stringify({ ticket_fields, actor: { id: "desk", name: "Desk", role: "admin" } }),
      });
      const { receipt } = await answer.json();
      assert.equal(receipt?.outcome, "applied", JSON.stringify(receipt));
    }),
  );
}

/** The field doctor: into the page, without a reload, with the focus on its heading. */
async function compareFields(page, agreement) {
  await page.goto(agreement);
  await page.evaluate(() => (window.sameDocument = true));
  await page.getByRole("button", { name: "Compare fields" }).click();
  const row = page.getByRole("row", { name: /Serial number/ });
  await row.getByText("Both ways: The two fields have different types").waitFor();
  await page.getByRole("row", { name: /Order/ }).getByText("Both ways: crosses").waitFor();
  await page
    .getByRole("row", { name: /Bay/ })
    .getByText("Create a field of this title, type text")
    .waitFor();
  assert.equal(await page.evaluate(() => window.sameDocument), true, "it came without a reload");
  await until("its heading has the focus", () =>
    page.evaluate(() => document.activeElement?.id === "doc-h"),
  );
  await check(page, "sharing-doctor");
}

function pages({ agreement, why }) {
  return {
    "sharing-list": "/sharing",
    "sharing-invite": "/sharing/invite",
    "sharing-agreement": agreement,
    "sharing-tickets": "/sharing/tickets",
    "sharing-why": why,
    deliveries: "/deliveries",
    delivery: "/deliveries/1",
    tokens: "/tokens",
    people: "/people",
    provider: "/settings/sign-in",
    me: "/me",
    "not-found": "/nowhere",
  };
}

/** One invites, the other declines, neither with a line of script. */
async function withoutScript(acme, globex) {
  const [sam, lee] = await Promise.all(
    [acme, globex].map(async (context, place) => {
      const options = { javaScriptEnabled: false, storageState: await context.storageState() };
      const plain = await person(browser, `without script ${place}`, options);
      return plain.newPage();
    }),
  );
  await lee.goto("/sharing/invite");
  await lee.getByLabel("Partner’s address").fill(`acme-${RUN}`);
  await lee.getByLabel("Name of the agreement").fill("Returns");
  await lee.getByLabel("Make private comments, do not sync status").check();
  await lee.getByRole("button", { name: "Send invite" }).click();
  await lee.getByText("The invite is sent.").waitFor();
  await sam.goto("/sharing?show=me");
  await sam.getByRole("link", { name: /^Decide/ }).click();
  await sam.getByRole("button", { name: "Decline" }).click();
  await sam.getByText("Declined. Your partner is told.").waitFor();
  await until("the decline is there", async () => {
    await lee.goto("/sharing?show=past");
    return (await lee.getByText("Declined by them").count()) > 0;
  });
  await Promise.all([sam, lee].map((it) => it.context().close()));
}
