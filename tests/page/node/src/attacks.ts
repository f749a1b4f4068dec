/** Nothing of what a user or a model says, names or gives a tool is run. */

import assert from "node:assert/strict";

import type { Browser, Page } from "playwright-core";

import { api } from "./api.js";
import { PAYLOADS } from "./payloads.js";
import { putWidget, serve } from "./foreign.js";
import { foreignPort, origin, play, says, script, users, visitor } from "./stage.js";

/** How many attempts stand in a conversation: all of its messages are on its first page. */
const AT_ONCE = 12;

/** Where there is a page of somebody else's with the widget. */
const ELSEWHERE = `http://localhost:${foreignPort}`;

/**
 * Starts a conversation in which each of these is said, thought, answered and given to a tool, and
 * others that have them as titles. Returns the former's id.
 */
async function say(payloads: readonly string[]): Promise<string> {
  let id = "";
  for (const payload of payloads) {
    const title = payload.slice(0, 200).replaceAll("\n", " ");
    ({ id } = await api<{ id: string }>("POST", "/conversations", { title }));
  }
  for (const payload of payloads) {
    const task = JSON.stringify({ title: payload.slice(0, 200), description: payload });
    const call = { id: "c1", name: "add_task", arguments: task };
    await script([{ reasoning: payload }, { call }, { end: "tool_calls" }], says(payload));
    await api("POST", `/conversations/${id}/messages`, { content: payload });
    // What no script answers is repeated.
    await api("POST", `/conversations/${id}/messages`, { content: payload });
  }
  return id;
}

/** Where a conversation is shown: in the page, or in the widget's shadow on a page of somebody else's. */
type Place = "page" | "widget";

/** What stands there that could run. */
async function dangers(page: Page, place: Place): Promise<string[]> {
  return await page.evaluate((place) => {
    const widget = document.querySelector("chatkit-widget")?.shadowRoot;
    const root: ParentNode = place === "widget" && widget ? widget : document.body;
    const found: string[] = [];
    for (const element of root.querySelectorAll("*")) {
      const isOurs = element.matches("body > script[src], body > noscript");
      if (!isOurs && /^(script|iframe|object|embed|base|meta|link|frame|style)$/.test(element.localName)) {
        found.push(element.outerHTML);
      }
      for (const { name: attribute, value } of element.attributes) {
        const isScript = /^\s*(javascript|vbscript|data:text)/i.test(value);
        const isAddress = /^(href|src|action|formaction|xlink:href)$/.test(attribute);
        if (/^on/i.test(attribute) || (isAddress && isScript) || attribute === "srcdoc") {
          found.push(element.outerHTML.slice(0, 200));
        }
      }
    }
    return found;
  }, place);
}

/** Opens a conversation in the page. */
async function openInPage(page: Page, id: string): Promise<void> {
  await page.goto(`${origin}/c/${id}`);
}

/** Opens a conversation in the widget. */
async function openInWidget(page: Page, id: string): Promise<void> {
  putWidget(`token="${users.alice}" open`);
  await page.addInitScript((id) => localStorage.setItem("chatkit_widget_conversation_id", id), id);
  await page.goto(ELSEWHERE);
}

/** Opens a conversation and looks at everything in it. */
async function look(browser: Browser, id: string, place: Place, payloads: readonly string[]): Promise<void> {
  const context = await visitor(browser, place === "page" ? users.alice : null);
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.log(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  const page = await context.newPage();
  await (place === "page" ? openInPage : openInWidget)(page, id);
  const address = page.url();
  const log = page.getByRole("region", { name: "History" });
  await log.getByText("You said:").last().waitFor();
  const cards = await log.locator("details.tool").all();
  assert.equal(cards.length, payloads.length);
  for (const card of await log.locator("details").all()) {
    await card.evaluate((details) => details.setAttribute("open", ""));
  }
  for (const link of await log.locator("a[href]").all()) {
    await link.hover({ timeout: 1_000 }).catch(() => undefined);
  }
  await log.locator("details pre").nth(cards.length - 1).waitFor({ state: "attached" });
  // Reasoning is shown as it was written.
  const reasoning = log.locator(".reasoning-text");
  await reasoning.nth(payloads.length - 1).waitFor({ state: "attached" });
  assert.deepEqual(await reasoning.allTextContents(), payloads);
  assert.equal(await reasoning.locator("*").count(), 0);
  assert.deepEqual(await dangers(page, place), []);
  assert.equal(await page.evaluate(() => Reflect.get(window, "ran")), undefined);
  assert.equal(page.url(), address);
  for (const link of await log.locator("a[target=_blank]").all()) {
    assert.match((await link.getAttribute("rel")) ?? "", /noopener/);
  }
  await context.close();
}

await serve(foreignPort);

const scenarios: Record<string, (browser: Browser) => Promise<void>> = {
  "there are enough": async () => assert.ok(PAYLOADS.length >= 60, String(PAYLOADS.length)),
};
for (let from = 0; from < PAYLOADS.length; from += AT_ONCE) {
  const some = PAYLOADS.slice(from, from + AT_ONCE);
  scenarios[`attempts from ${from}`] = async (browser) => {
    const id = await say(some);
    await look(browser, id, "page", some);
    await look(browser, id, "widget", some);
  };
}

await play(scenarios);
