// Two people at the help desk's pages: one shares a ticket, the other answers and sets its status.
// What the other did appears without a reload, and what is half chosen or half typed stays. Then
// every page is looked at.

import assert from "node:assert/strict";

import { check, ends, everyPage, open, person, say, until } from "./browser.mjs";

const { HOOLI_LINK, UMBRELLA_LINK, HELPDESK_URL, RUN } = process.env;
const PASSWORD = "three quiet pumps";
const at = { baseURL: HELPDESK_URL };

const browser = await open();
await ends(browser, story);

async function story() {
  const [hooli, umbrella] = await Promise.all([
    person(browser, "Hooli", at),
    person(browser, "Umbrella", at),
  ]);
  const [ada, gus] = await Promise.all([
    firstTime(hooli, HOOLI_LINK),
    firstTime(umbrella, UMBRELLA_LINK),
  ]);
  say("both signed in by their links");
  await settings(ada);
  await settings(gus);
  await ada.goto("/tickets/new");
  await ada.getByLabel("Subject").fill("Smart meter reboots every night");
  await ada.getByLabel("Name of the requester").fill("Robin Vale");
  await ada.getByLabel("E-mail address of the requester").fill("robin@customer.example");
  await ada.getByLabel("Description").fill("It goes dark at two and comes back by itself.");
  await ada.getByRole("button", { name: "Create ticket" }).click();
  await ada.waitForURL("**/tickets/1");

  // Whatever appears from here on appears without a reload.
  for (const page of [ada, gus]) await page.evaluate(() => (window.sameDocument = true));
  const agreement = await agree(hooli, umbrella, gus);
  await ada.goto("/tickets/1");
  await ada.evaluate(() => (window.sameDocument = true));
  await draftStays(ada);
  await check(ada, "helpdesk-shared");
  await gus.getByRole("link", { name: "Smart meter reboots every night" }).click();
  await gus.waitForURL("**/tickets/*");
  say("the shared ticket appeared");
  await openFormStays(ada, gus);
  await asked(ada);
  await refused(ada, gus);
  await ruleForm(ada);
  await rehearsal(ada, agreement);
  await everyPage(browser, hooli, pages(agreement), at);
  say("every page was looked at");
  await confirmed(hooli);
  await withoutScript(hooli);
  say("the same works without script");
}

async function firstTime(context, link) {
  const page = await context.newPage();
  await page.goto(link);
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("Repeat the password").fill(PASSWORD);
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await page.waitForURL("**/tickets");
  return page;
}

async function settings(page) {
  await page.goto("/settings/groups");
  await page.getByLabel("Name").fill("Field team");
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByText("Saved.").waitFor();
  await until("what was said is out of the address", () => !page.url().includes("said"));
  await page.goto("/settings/fields");
  await page.locator("#title").fill("Bay");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText("Saved.").waitFor();
  await page.goto("/tickets");
}

/** An invite waits: it is marked wherever the admin is, and gone when it is accepted. */
async function agree(hooli, umbrella, gus) {
  const page = await hooli.newPage();
  await page.goto("/sharing/invite");
  await page.getByLabel("Partner’s address").fill(`umbrella-${RUN}`);
  await page.getByLabel("Name of the agreement").fill("Field repairs");
  await page.getByLabel("Make public and private comments, sync status").check();
  await page.getByLabel("Yes, share tags").check();
  await page.getByLabel("Yes, sync custom fields").check();
  await page.getByRole("button", { name: "Send invite" }).click();
  await page.getByText("The invite is sent.").waitFor();
  const agreement = new URL(page.url()).pathname;
  await page.evaluate(() => (window.sameDocument = true));
  await gus.locator("#topnav").getByText("invite waits").waitFor({ state: "attached" });
  assert.equal(
    await gus.evaluate(() => window.sameDocument),
    true,
    "the mark came without a reload",
  );
  say("the waiting invite is marked");
  const decide = await umbrella.newPage();
  await decide.goto(agreement);
  await decide.getByRole("button", { name: "Accept" }).click();
  await decide.getByText("Accepted.").waitFor();
  await decide.close();
  await page.locator("#agreement-head").getByText("Active").waitFor();
  assert.equal(await page.evaluate(() => window.sameDocument), true, "it came without a reload");
  await page.close();
  return agreement;
}

/** What is half typed is there after another form of the page was sent. */
async function draftStays(ada) {
  await ada.getByLabel("Text of the comment").fill("Half an answer");
  await ada.getByLabel("Share with").selectOption({ index: 1 });
  await ada.getByRole("button", { name: "Share", exact: true }).click();
  await ada.locator("#sharing .share-card").waitFor();
  assert.equal(await ada.getByLabel("Text of the comment").inputValue(), "Half an answer");
  await until("the notice is out of the address", () => !ada.url().includes("said"));
}

/**
 * The partner answers and sets the status: it appears in the open form, and what was chosen there
 * stays.
 */
async function openFormStays(ada, gus) {
  await ada.locator("#fields").waitFor();
  await ada.evaluate(() => (window.sameDocument = true));
  await ada.getByLabel("Group").selectOption({ label: "Field team" });
  await gus.getByLabel("Text of the comment").fill("We come on Tuesday.");
  await gus.locator("#then").selectOption("pending");
  await gus.getByRole("button", { name: "Send reply" }).click();
  await ada.getByText("We come on Tuesday.").waitFor();
  await ada.locator("#talk").getByText("set the status from New to Pending").waitFor();
  await until(
    "the status is in the form",
    async () => (await ada.locator("#st").inputValue()) === "pending",
  );
  const group = await ada.locator("#gr option:checked").innerText();
  assert.equal(group, "Field team", "what was chosen stays");
  assert.equal(await ada.evaluate(() => window.sameDocument), true, "it came without a reload");
  assert.equal(await ada.getByLabel("Text of the comment").inputValue(), "Half an answer");
  await ada.locator("#fields").getByRole("button", { name: "Save" }).click();
  await ada.getByText("assigned it to the group Field team").waitFor();
  say("the answer and the status appeared; what was half done stayed");
}

/** Who will see it is asked along the chain as soon as somebody writes. */
async function asked(ada) {
  await ada.getByLabel("Text of the comment").focus();
  await ada.getByText("The whole chain was checked just now.").waitFor();
  await check(ada, "helpdesk-asked");
}

/** Both change the status: the later one is refused, and its choice is not chosen any more. */
async function refused(ada, gus) {
  await ada.locator("#st").selectOption("solved");
  await gus.locator("#then").selectOption("open");
  await gus.getByLabel("Text of the comment").fill("Not yet.");
  await gus.getByRole("button", { name: "Send reply" }).click();
  await ada.getByText("Somebody has changed this to Open.").waitFor();
  assert.equal(await ada.locator("#st").inputValue(), "solved");
  await check(ada, "helpdesk-changed");
  await ada.locator("#fields").getByRole("button", { name: "Save" }).click();
  await ada.getByText("You had chosen: Solved").waitFor();
  assert.equal(await ada.locator("#st").inputValue(), "open");
  await check(ada, "helpdesk-conflict");
  say("a change in between warned and was not overwritten");
}

/** A condition offers the values of what it is about, and another row comes by itself. */
async function ruleForm(ada) {
  await ada.goto("/settings/rules/trigger/new");
  await ada.getByLabel("Name").fill("Field work");
  await ada.locator("#all-on-1").selectOption("status");
  await ada.locator("select#all-value-1").selectOption("hold");
  await ada.locator("#all-on-2").waitFor();
  await ada.locator("#do-1").selectOption("share");
  await ada.locator("select#do-value-1").selectOption({ index: 1 });
  await check(ada, "helpdesk-rule-new");
  await ada.getByRole("button", { name: "Dry run" }).click();
  await ada.getByText("Nothing was changed.").waitFor();
  await check(ada, "helpdesk-rule-tried");
  await ada.getByRole("button", { name: "Save", exact: true }).last().click();
  await ada.getByText("Saved.").waitFor();
}

async function rehearsal(ada, agreement) {
  await ada.goto(agreement);
  await ada.getByRole("button", { name: "Rehearse" }).click();
  await ada.getByText("Tickets tried").waitFor();
  await until("every answer is there", async () => (await ada.getByText("to come").count()) === 0);
  await check(ada, "helpdesk-rehearsal");
  say("the terms were rehearsed");
}

function pages(agreement) {
  return {
    "helpdesk-list": "/tickets",
    "helpdesk-sent": "/tickets?view=sent",
    "helpdesk-new": "/tickets/new",
    "helpdesk-ticket": "/tickets/1",
    "helpdesk-search": "/search?q=met",
    "helpdesk-people": "/settings/people",
    "helpdesk-sign-in": "/settings/sign-in",
    "helpdesk-fields": "/settings/fields",
    "helpdesk-groups": "/settings/groups",
    "helpdesk-triggers": "/settings/rules/trigger",
    "helpdesk-rule": "/settings/rules/trigger/new",
    "helpdesk-address": "/settings/address",
    "helpdesk-audit": "/settings/audit",
    "helpdesk-sharing": "/sharing",
    "helpdesk-agreement": agreement,
    "helpdesk-crossed": "/sharing/tickets",
  };
}

/** What cannot be undone is asked first. */
async function confirmed(hooli) {
  const page = await hooli.newPage();
  await page.goto("/tickets/1");
  await page.getByLabel("Text of the comment").fill("Is it done?");
  await page.locator("#then").selectOption("closed");
  await page.getByRole("button", { name: "Send reply" }).click();
  await page.getByText("Close this ticket?").waitFor();
  await check(page, "helpdesk-confirm");
  await page.close();
}

/**
 * Answer, ask who sees it, close: all of it by forms. Axe waits for timers, which do not run here.
 */
async function withoutScript(hooli) {
  const options = { ...at, javaScriptEnabled: false, storageState: await hooli.storageState() };
  const plain = await person(browser, "without script", options);
  const page = await plain.newPage();
  await page.goto("/tickets/1");
  await page.getByLabel("Text of the comment").fill("Is it Tuesday?");
  await page.getByRole("button", { name: "Check the whole chain" }).click();
  await page.getByText("The whole chain was checked just now.").waitFor();
  assert.equal(await page.getByLabel("Text of the comment").inputValue(), "Is it Tuesday?");
  await page.locator("#then").selectOption("closed");
  await page.getByRole("button", { name: "Send reply" }).click();
  await page.getByText("Close this ticket?").waitFor();
  await page.getByRole("button", { name: "Back" }).click();
  assert.equal(await page.getByLabel("Text of the comment").inputValue(), "Is it Tuesday?");
  await page.locator("#then").selectOption("");
  await page.getByRole("button", { name: "Send reply" }).click();
  await page.locator("#talk").getByText("Is it Tuesday?").waitFor();
  await page.getByRole("button", { name: "Unshare" }).click();
  await page.getByText("End the share with").waitFor();
  await page.getByRole("link", { name: "Back" }).click();
  await page.locator("#talk").waitFor();
  await plain.close();
}
