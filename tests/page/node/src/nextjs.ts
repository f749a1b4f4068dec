/**
 * The Next.js example in a browser. Its chat comes from a vendor's server, which is played here: by
 * nothing at all, and by an element that keeps what it is given and sends by it.
 */

import assert from "node:assert/strict";
import process from "node:process";

import type { Browser, Page } from "playwright-core";

import { checkAccessibility } from "./accessibility.js";
import { origin, play, visitor } from "./stage.js";

const VENDOR = "https://cdn.platform.openai.com/**";
const CHATKIT = process.argv[3] ?? "";
const ALICE = { name: "Alice", email: "alice@example.com", password: "a-long-password" };

const STAND_IN = `customElements.define("openai-chatkit", class extends HTMLElement {
  setOptions(options) {
    this.options = options;
    this.dispatchEvent(new CustomEvent("chatkit.ready"));
  }
});`;

/** The options of the component, as far as they are looked at here. */
interface Options {
  api: { url: string; domainKey: string; fetch: typeof fetch };
  theme: { colorScheme: string };
  startScreen: { prompts: { prompt: string }[] };
}

/** A page whose vendor is not there, or plays its part. */
async function openPage(browser: Browser, vendor: "away" | "there"): Promise<Page> {
  const context = await visitor(browser, null);
  await context.route(VENDOR, (route) =>
    vendor === "away"
      ? route.abort()
      : route.fulfill({ contentType: "text/javascript", body: STAND_IN }),
  );
  return context.newPage();
}

async function fillIn(page: Page, fields: Record<string, string>): Promise<void> {
  for (const [label, value] of Object.entries(fields)) {
    await page.getByLabel(label).fill(value);
  }
}

/** Says something by the component. Returns what is streamed. */
function say(page: Page, text: string): Promise<string> {
  return page.locator("openai-chatkit").evaluate(async (element, said) => {
    const { api } = Reflect.get(element, "options") as Options;
    const content = [{ type: "input_text", text: said }];
    const input = { content, attachments: [], quoted_text: "", inference_options: {} };
    const response = await api.fetch(api.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Language": "en" },
      body: JSON.stringify({ type: "threads.create", params: { input } }),
    });
    return response.text();
  }, text);
}

async function signingUp(browser: Browser): Promise<void> {
  const page = await openPage(browser, "away");
  await page.goto(origin);
  await page.waitForURL(`${origin}/sign-in`);
  await checkAccessibility(page);
  await fillIn(page, { Email: ALICE.email, Password: "not-hers" });
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("Invalid email or password").waitFor();
  await checkAccessibility(page);

  await page.getByRole("link", { name: "Sign up" }).click();
  await page.waitForURL(`${origin}/sign-up`);
  await checkAccessibility(page);
  await fillIn(page, { Name: ALICE.name, Email: ALICE.email, Password: ALICE.password });
  await page.keyboard.press("Enter");
  await page.waitForURL(`${origin}/`);

  await page.getByRole("alert").getByText("The chat could not be loaded").waitFor();
  await checkAccessibility(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${origin}/sign-in`);
}

async function chatting(browser: Browser): Promise<void> {
  const page = await openPage(browser, "there");
  // Once for all: the app lets nobody try often in a short time.
  await page.goto(origin);
  await fillIn(page, { Email: ALICE.email, Password: ALICE.password });
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${origin}/`);
  await started(page);
  await checkOptions(page);
  await loseTheServer(page);
  await slowChat(page);
  await signOutElsewhere(page);
}

async function started(page: Page): Promise<void> {
  await page.getByText("The chat is loading…").waitFor({ state: "detached" });
}

async function checkOptions(page: Page): Promise<void> {
  const options = await page
    .locator("openai-chatkit")
    .evaluate((element) => Reflect.get(element, "options") as Options);
  assert.equal(options.api.url, CHATKIT);
  assert.equal(options.api.domainKey, "localhost");
  assert.equal(options.theme.colorScheme, "light");
  assert.match(await say(page, options.startScreen.prompts[0]?.prompt ?? ""), /Task created/);

  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForFunction(() => {
    const element = document.querySelector("openai-chatkit");
    const { theme } = Reflect.get(element ?? {}, "options") as Options;
    return theme.colorScheme === "dark";
  });
}

async function loseTheServer(page: Page): Promise<void> {
  await page.route(CHATKIT, (route) => route.abort());
  await assert.rejects(say(page, "Is anybody there?"));
  const note = page.getByRole("alert").getByText("cannot be reached");
  await note.waitFor();
  await checkAccessibility(page);

  await page.unroute(CHATKIT);
  await say(page, "And now?");
  await note.waitFor({ state: "detached" });
}

/** The page learns of it when it needs a token. */
async function signOutElsewhere(page: Page): Promise<void> {
  await page.reload();
  await started(page);
  await page.context().clearCookies();
  await Promise.all([page.waitForURL(`${origin}/sign-in`), assert.rejects(say(page, "Hello"))]);
}

/** The vendor sends nothing for a while. What was told of that is taken back. */
async function slowChat(page: Page): Promise<void> {
  await page.clock.install();
  let send = (): void => undefined;
  const sent = new Promise<void>((resolve) => (send = resolve));
  await page.route(VENDOR, async (route) => {
    await sent;
    await route.fallback();
  });
  await page.reload({ waitUntil: "commit" });
  await page.getByText("The chat is loading…").waitFor();
  const note = page.getByRole("alert").getByText("Is there no chat here?");
  await page.clock.fastForward("01:00");
  await note.waitFor();
  await checkAccessibility(page);
  send();
  await note.waitFor({ state: "detached" });
}

await play({
  "signing up and out, and no chat": signingUp,
  "the chat": chatting,
});
