// A browser whose every page is watched: a report of the policy, an error on the console or in a
// script fails the test.

import { readFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const pictures = new URL("../../target/browser/", import.meta.url).pathname;
await mkdir(pictures, { recursive: true });

export const problems = [];

/** Chromium with a profile of its own, which goes with it. */
export function open() {
  // As root there is no sandbox to be had; nothing but our own pages is opened.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: process.env.CHROMIUM, args });
}

const started = Date.now();
export const say = (text) =>
  console.log(`${((Date.now() - started) / 1000).toFixed(1)} s  ${text}`);

/**
 * Plays a story to its end; what went wrong is told, with a picture of every page that was open.
 */
export async function ends(browser, story) {
  try {
    await story();
  } catch (error) {
    problems.push(String(error.stack ?? error));
    const pages = browser.contexts().flatMap((context) => context.pages());
    await Promise.all(
      pages.map((page, place) => page.screenshot({ path: `${pictures}failed-${place}.png` })),
    );
  } finally {
    await browser.close();
  }
  if (problems.length > 0) {
    console.error(problems.join("\n"));
    console.error(`${problems.length} problems; pictures in ${pictures}`);
    process.exit(1);
  }
  say(`no problem; pictures in ${pictures}`);
}

/** The languages, colours and widths in which every page is looked at. */
export const looks = {
  "": {},
  "-dark": { colorScheme: "dark" },
  "-360": { viewport: { width: 360, height: 740 } },
  "-de": { locale: "de-AT" },
  "-it-360": { locale: "it", viewport: { width: 360, height: 740 } },
};

/** Every page with the same session, in each of these looks, all at once. */
export async function everyPage(browser, context, pages, options = {}) {
  const storageState = await context.storageState();
  const looking = Object.entries(looks).map(async ([suffix, look]) => {
    const other = await person(browser, suffix, { storageState, ...options, ...look });
    const page = await other.newPage();
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(path);
      const language = (look.locale ?? "en").slice(0, 2);
      const is = await page.locator("html").getAttribute("lang");
      if (is !== language) problems.push(`${path} is in ${is}, not in ${language}`);
      await check(page, `${name}${suffix}`);
    }
    await other.close();
  });
  await Promise.all(looking);
}

/** Somebody at a browser: their own cookies, and every page of theirs watched. */
export async function person(browser, name, options = {}) {
  const context = await browser.newContext({
    baseURL: process.env.GATEWAY_URL,
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 900 },
    colorScheme: "light",
    locale: "en-GB",
    ...options,
  });
  context.setDefaultTimeout(10_000);
  context.on("page", (page) => watch(page, name));
  return context;
}

function watch(page, name) {
  const tell = (what) => problems.push(`${name}, ${page.url()}: ${what}`);
  page.on("pageerror", (error) => tell(`a script failed: ${error.message}`));
  page.on("console", (message) => {
    // A refusal is a page with a status of its own; the browser notes each.
    const isStatus = /the server responded with a status of 4(03|04|09|22|29)/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !isStatus) tell(message.text());
  });
}

/** Nothing that axe finds, nothing that scrolls sideways; a picture. */
export async function check(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const tags = [
      "wcag2a",
      "wcag2aa",
      "wcag21a",
      "wcag21aa",
      "wcag22a",
      "wcag22aa",
      "best-practice",
    ];
    const { violations } = await window.axe.run(document, {
      runOnly: { type: "tag", values: tags },
    });
    return violations.map(
      (it) => `${it.id}: ${it.nodes.map((node) => node.target.join(" ")).join(", ")}`,
    );
  });
  problems.push(...found.map((it) => `${name}: ${it}`));
  const wide = await page.evaluate(() => {
    const root = document.documentElement;
    return root.scrollWidth - root.clientWidth;
  });
  if (wide > 0) problems.push(`${name}: the page scrolls sideways by ${wide} px`);
  await page.screenshot({ path: `${pictures}${name}.png`, fullPage: true });
}

/** Waits until something holds. */
export async function until(what, holds, limit = 10_000) {
  const deadline = Date.now() + limit;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
