/** Nothing of what a user or a model says, names or gives a tool is run. */

import assert from "node:assert/strict";

import type { Browser, Page } from "playwright-core";

import { api } from "./api.js";
import { PAYLOADS } from "./payloads.js";
import { origin, play, says, script, users, visitor } from "./stage.js";

/** How many attempts stand in a conversation. */
const AT_ONCE = 13;

/** Begins a conversation in which each of these is said, answered and given to a tool; the first is its title. */
async function say(payloads: readonly string[]): Promise<string> {
  const title = (payloads[0] ?? "").slice(0, 200).replaceAll("\n", " ");
  const { id } = await api<{ id: string }>("POST", "/conversations", { title });
  for (const payload of payloads) {
    const task = JSON.stringify({ title: payload.slice(0, 200), description: payload });
    const call = { id: "c1", name: "add_task", arguments: task };
    await script([{ call }, { end: "tool_calls" }], says(payload));
    await api("POST", `/conversations/${id}/messages`, { content: payload });
    // What no script answers is repeated.
    await api("POST", `/conversations/${id}/messages`, { content: payload });
  }
  return id;
}

/** What stands in the page that could run. */
async function dangers(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const found: string[] = [];
    const allowed = new Set([...document.querySelectorAll("head script, head link")]);
    for (const element of document.querySelectorAll("*")) {
      const name = element.localName;
      if (!allowed.has(element) && /^(script|iframe|object|embed|base|meta|link|frame)$/.test(name)) {
        if (!document.head.contains(element)) found.push(element.outerHTML);
      }
      for (const { name: attribute, value } of element.attributes) {
        const runs = /^on/i.test(attribute) || /^\s*(javascript|vbscript|data:text)/i.test(value);
        const isAddress = /^(href|src|action|formaction|xlink:href|srcdoc)$/.test(attribute);
        if (/^on/i.test(attribute) || (isAddress && runs) || attribute === "srcdoc") {
          found.push(element.outerHTML.slice(0, 200));
        }
      }
    }
    return found;
  });
}

/** Opens a conversation and looks at everything in it. */
async function look(browser: Browser, id: string): Promise<void> {
  const context = await visitor(browser, users.alice);
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.log(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  const page = await context.newPage();
  await page.goto(`${origin}/c/${id}`);
  const log = page.getByRole("main");
  await log.getByText("You said:").last().waitFor();
  for (const card of await page.locator("main details").all()) {
    await card.evaluate((details) => details.setAttribute("open", ""));
  }
  for (const link of await page.locator("main a[href]").all()) {
    await link.hover({ timeout: 1_000 }).catch(() => undefined);
  }
  const cards = await page.locator("main details").count();
  assert.ok(cards > 0);
  await page.waitForFunction(
    (count) => document.querySelectorAll("main details pre").length >= count,
    cards,
  );
  assert.deepEqual(await dangers(page), []);
  assert.equal(await page.evaluate(() => Reflect.get(window, "ran")), undefined);
  assert.ok(page.url().startsWith(origin), page.url());
  for (const link of await page.locator("main a[target=_blank]").all()) {
    assert.match((await link.getAttribute("rel")) ?? "", /noopener/);
  }
  await context.close();
}

const scenarios: Record<string, (browser: Browser) => Promise<void>> = {
  "there are enough": async () => assert.ok(PAYLOADS.length >= 60, String(PAYLOADS.length)),
};
for (let from = 0; from < PAYLOADS.length; from += AT_ONCE) {
  const some = PAYLOADS.slice(from, from + AT_ONCE);
  scenarios[`attempts from ${from}`] = async (browser) => look(browser, await say(some));
}

await play(scenarios);
