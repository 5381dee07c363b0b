// Somebody who operates the deployment looks at every page of the console, in light, dark and 360
// px.

import { readFile } from "node:fs/promises";

import { check, ends, open, person, say } from "./browser.mjs";

const { CONSOLE_URL, CONSOLE_SECRET_FILE, TRACED } = process.env;
const pages = {
  "console-overview": "/",
  "console-timeline": `/timeline?of=${TRACED}`,
  "console-timeline-empty": "/timeline",
  "console-parked": "/parked",
  "console-parked-group": "/parked/share-dispatcher/poison?type=ticket.update.v1",
  "console-accounts": "/accounts",
  "console-account": `/accounts/${TRACED.split("/")[0]}`,
  "console-account-revoke": `/accounts/${TRACED.split("/")[0]}/revoke`,
  "console-account-add": "/add-account",
  "console-canary": "/canary",
};
const looks = {
  "": {},
  "-dark": { colorScheme: "dark" },
  "-360": { viewport: { width: 360, height: 740 } },
};

const browser = await open();
await ends(browser, async () => {
  const secret = (await readFile(CONSOLE_SECRET_FILE, "utf8")).trim();
  for (const [suffix, options] of Object.entries(looks)) {
    const context = await person(browser, `operator${suffix}`, {
      baseURL: CONSOLE_URL,
      ...options,
    });
    const page = await context.newPage();
    await page.goto("/");
    await check(page, `console-sign-in${suffix}`);
    await page.locator("input[type=password]").fill(secret);
    await page.keyboard.press("Enter");
    await page.locator("h1").first().waitFor();
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(path);
      await check(page, `${name}${suffix}`);
    }
    await context.close();
  }
  say("every page of the console was looked at");
});
