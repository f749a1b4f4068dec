/** What people do with the widget on a page of somebody else's. */

import assert from "node:assert/strict";

import type { Browser, BrowserContext, Page } from "playwright-core";

import { checkAccessibility } from "./accessibility.js";
import { api } from "./api.js";
import { answer, answered, say } from "./conversation.js";
import { putWidget, serve } from "./foreign.js";
import { expiredToken, foreignPort, origin, type Part, play, says, script, users, visitor } from "./stage.js";

/** The same page under two names: of another site than the server, and of its own site. */
const ELSEWHERE = `http://localhost:${foreignPort}`;
const SAME_SITE = `http://127.0.0.1:${foreignPort}`;

const KEPT = "chatkit_widget_conversation_id";

type Told = [type: string, detail: unknown][];

await serve(foreignPort);

/** A page with the widget, which has these attributes. */
async function come(context: BrowserContext, attributes = "", at = ELSEWHERE): Promise<Page> {
  putWidget(attributes);
  const page = await context.newPage();
  await page.goto(at);
  await page.locator(".launcher").waitFor();
  return page;
}

async function openPanel(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Open/ }).click();
  const panel = page.getByRole("dialog");
  await panel.waitFor();
  await panel.evaluate((panel) => Promise.all(panel.getAnimations().map(({ finished }) => finished)));
}

/** Gives a token through the callback, which counts how often it is asked. */
async function giveToken(page: Page, token: string): Promise<void> {
  await page.evaluate((token) => {
    const getToken = async () => {
      Reflect.set(window, "asked", Number(Reflect.get(window, "asked") ?? 0) + 1);
      return token;
    };
    Object.assign(document.querySelector("chatkit-widget") ?? {}, { getToken });
  }, token);
}

async function kept(page: Page): Promise<string | null> {
  return await page.evaluate((name) => localStorage.getItem(name), KEPT);
}

async function told(page: Page): Promise<Told> {
  return await page.evaluate(() => Reflect.get(window, "told") as Told);
}

/** How a part of the widget looks. */
async function look(page: Page, selector: string) {
  return await page.evaluate((selector) => {
    const part = document.querySelector("chatkit-widget")?.shadowRoot?.querySelector(selector);
    if (!part) throw new Error(`no ${selector}`);
    const { right, bottom, left, top, width, height } = part.getBoundingClientRect();
    const style = getComputedStyle(part);
    return {
      fromRight: innerWidth - right,
      fromBottom: innerHeight - bottom,
      left,
      top,
      width,
      height,
      background: style.backgroundColor,
      font: style.fontFamily,
      size: style.fontSize,
      spacing: style.letterSpacing,
      transform: style.textTransform,
    };
  }, selector);
}

async function onAForeignPage(browser: Browser): Promise<void> {
  const context = await visitor(browser, null);
  let asked = 0;
  context.on("request", (request) => (asked += request.url().startsWith(`${origin}/api`) ? 1 : 0));
  const attributes = 'title="Ask Beans" greeting="What can I get you?" prompts="Say hello | Sing"';
  const page = await come(context, attributes);
  const button = await look(page, ".launcher");
  assert.deepEqual([button.fromRight, button.fromBottom, button.width], [24, 24, 56]);
  assert.equal(button.background, "rgb(37, 99, 235)");
  assert.equal(asked, 0, "who does not open it costs the server nothing");
  await giveToken(page, users.alice);
  await openPanel(page);
  await page.getByRole("heading", { name: "What can I get you?" }).waitFor();
  const call = { id: "c1", name: "add_task", arguments: '{"title":"Buy groceries"}' };
  await script([{ call }, { end: "tool_calls" }], says("Hello, **stranger**.\n\n```js\nlet a;\n```"));
  await page.getByRole("button", { name: "Say hello" }).click();
  await answered(page, "Hello, stranger.");
  await page.getByText("Add task").waitFor();
  await answer(page).locator("strong").getByText("stranger").waitFor();
  const text = await look(page, ".markdown p");
  assert.deepEqual([text.size, text.spacing, text.transform], ["15px", "normal", "none"]);
  assert.doesNotMatch(text.font, /cursive/);
  const tokens = await page.evaluate(() => Number(Reflect.get(window, "asked")));
  assert.ok(tokens > 2, `a token for each request, not ${tokens}`);

  // The page is told, and hears no keys.
  const conversationId = await kept(page);
  const { title } = await api<{ title: string }>("GET", `/conversations/${conversationId}`);
  assert.equal(title, "Say hello");
  const events = await told(page);
  const types = ["chatkit-open", "chatkit-conversation", "chatkit-tool", "chatkit-message"];
  assert.deepEqual(events.map(([type]) => type), types);
  assert.deepEqual(events[1]?.[1], { conversationId });
  await page.getByRole("textbox", { name: "Message" }).pressSequentially("abc");
  await page.keyboard.press("Escape");
  assert.deepEqual(await page.evaluate(() => Reflect.get(window, "keys")), []);
  assert.equal(await page.evaluate(() => document.activeElement?.localName), "chatkit-widget");
  const buy = await page.locator("#buy").evaluate((button) => getComputedStyle(button).backgroundColor);
  assert.equal(buy, "rgb(0, 255, 0)");

  // It is all there after a reload, and what was being typed.
  await page.reload();
  await giveToken(page, users.alice);
  await openPanel(page);
  await answered(page, "Hello, stranger.");
  assert.equal(await page.getByRole("textbox", { name: "Message" }).inputValue(), "abc");
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByRole("heading", { name: "What can I get you?" }).waitFor();
  assert.equal(await kept(page), null);
}

async function accessible(browser: Browser): Promise<void> {
  const page = await come(await visitor(browser, null), `token="${users.alice}"`);
  await checkAccessibility(page);
  await openPanel(page);
  await page.getByText("fake-model answers").waitFor();
  await checkAccessibility(page);
  const call = { id: "c1", name: "add_task", arguments: '{"title":"Look"}' };
  await script(
    [{ reasoning: "A mirror?" }, { text: "Let me look." }, { call }, { end: "tool_calls" }],
    [{ text: "# Seen\n\n| a | b |\n| - | - |\n| 1 | 2 |" }, { end: "length" }],
  );
  await say(page, "How do I look?");
  await answered(page, "Seen");
  await answer(page).getByRole("button", { name: "Continue" }).waitFor();
  await answer(page).getByText("Thought for 1 s").click();
  await answer(page).getByText("A mirror?").waitFor();
  await checkAccessibility(page);
}

async function onAPhone(browser: Browser): Promise<void> {
  const page = await come(await visitor(browser, null, { phone: true }), `token="${users.alice}"`);
  await openPanel(page);
  const panel = await look(page, ".panel");
  assert.deepEqual([panel.left, panel.top, panel.width, panel.height], [0, 0, 390, 780]);
  await script(says("As small as you."));
  await say(page, "Do you fit?");
  await answered(page, "As small as you.");
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await page.getByRole("button", { name: /^Open/ }).waitFor();
}

async function tokenRunsOut(browser: Browser): Promise<void> {
  const page = await come(await visitor(browser, null));
  await giveToken(page, expiredToken);
  await openPanel(page);
  await page.getByRole("heading", { name: "Sign in to chat" }).waitFor();
  assert.deepEqual((await told(page)).at(-1)?.[0], "chatkit-unauthorized");
  await giveToken(page, users.alice);
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  await script(says("Welcome back."));
  await say(page, "Here I am");
  await answered(page, "Welcome back.");
  await page.getByRole("textbox", { name: "Message" }).fill("Still here?");
  await giveToken(page, expiredToken);
  await page.getByRole("heading", { name: "Sign in to chat" }).waitFor();
  assert.equal(await page.getByText("Welcome back.").count(), 0);
  await giveToken(page, users.alice);
  await page.getByText("Welcome back.").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Message" }).inputValue(), "Still here?");
}

async function anotherUser(browser: Browser): Promise<void> {
  const page = await come(await visitor(browser, null), `token="${users.alice}"`);
  await openPanel(page);
  await script(says("Nobody else may know."));
  await say(page, "My secret is a walrus");
  await answered(page, "Nobody else may know.");
  await page.getByRole("textbox", { name: "Message" }).fill("and an otter");
  await page.evaluate((token) => {
    document.querySelector("chatkit-widget")?.setAttribute("token", token);
  }, users.bob);
  // The next look for news is the first that has the other user's token.
  await page.getByRole("heading", { name: "How can I help?" }).waitFor();
  assert.equal(await page.getByText("walrus").count(), 0);
  assert.equal(await page.getByRole("textbox", { name: "Message" }).inputValue(), "");
  assert.equal(await kept(page), null);
  const left = await page.evaluate(() => JSON.stringify(localStorage));
  assert.doesNotMatch(left, /walrus|otter/);

  // The same in a page that is loaded by the other one.
  await script(says("And nobody."));
  await say(page, "Mine is a whale");
  await answered(page, "And nobody.");
  const alices = await come(page.context(), `token="${users.alice}"`);
  await openPanel(alices);
  await alices.getByRole("heading", { name: "How can I help?" }).waitFor();
  assert.equal(await alices.getByText("whale").count(), 0);
}

/** The token comes later than the element, which is open from the beginning. */
async function signedInLate(browser: Browser): Promise<void> {
  const context = await visitor(browser, null);
  const first = await come(context, `token="${users.alice}" open`);
  await first.getByText("fake-model answers").waitFor();
  await script(says("I shall wait."));
  await say(first, "Keep this");
  await answered(first, "I shall wait.");
  await first.getByRole("textbox", { name: "Message" }).fill("And this");
  const page = await come(context, "open");
  await page.getByRole("heading", { name: "Sign in to chat" }).waitFor();
  await giveToken(page, users.alice);
  await answered(page, "I shall wait.");
  assert.equal(await page.getByRole("textbox", { name: "Message" }).inputValue(), "And this");
  // What gives the tokens fails for once, and gives none for once.
  await page.evaluate((token) => {
    const none = () => undefined;
    const answers = [() => Promise.reject(new Error("away")), none, none, () => token];
    const getToken = () => (answers.length > 1 ? answers.shift() : answers[0])?.();
    Object.assign(document.querySelector("chatkit-widget") ?? {}, { getToken });
  }, users.alice);
  await page.getByText("You are offline").waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  await answered(page, "I shall wait.");
  assert.equal(await page.getByRole("textbox", { name: "Message" }).inputValue(), "And this");
}

/** What a page does itself: it begins anew, hears of failures, and forgets who has signed out. */
async function byThePage(browser: Browser): Promise<void> {
  const page = await come(await visitor(browser, null), `token="${users.alice}" open`);
  const call = (name: "newConversation" | "forget") =>
    page.evaluate((name) => {
      const widget = document.querySelector("chatkit-widget");
      (Reflect.get(widget ?? {}, name) as () => void).call(widget);
    }, name);
  await script(says("An elk, then."), [{ text: "Half" }, "abort"]);
  await say(page, "Guess what I am");
  await answered(page, "An elk, then.");
  await call("newConversation");
  await page.getByRole("heading", { name: "How can I help?" }).waitFor();
  await say(page, "Fail, please");
  await answer(page).getByText("The answer broke off.").waitFor();
  await answer(page).getByRole("button", { name: "Try again" }).waitFor();
  await page.waitForFunction(() => {
    const told = Reflect.get(window, "told") as [string, { code: string } | null][];
    return told.some(([type, detail]) => type === "chatkit-error" && detail?.code === "model_failed");
  });
  await page.getByRole("textbox", { name: "Message" }).fill("A secret elk");
  await page.evaluate(() => document.querySelector("chatkit-widget")?.removeAttribute("token"));
  await call("forget");
  await page.getByRole("heading", { name: "Sign in to chat" }).waitFor();
  assert.equal(await page.getByText("Fail, please").count(), 0);
  assert.equal(await kept(page), null);
  assert.doesNotMatch(await page.evaluate(() => JSON.stringify(localStorage)), /elk/);
  await page.getByRole("button", { name: "Close", exact: true }).click();
  assert.equal((await told(page)).at(-1)?.[0], "chatkit-close");
}

/** Something before the server lets nobody through, and then does. */
async function refusedOnTheWay(browser: Browser): Promise<void> {
  const page = await come(await visitor(browser, null), `token="${users.alice}"`);
  let asked = 0;
  await page.route("**/api/info", (route) => {
    asked += 1;
    return route.fulfill({ status: 403, json: { code: "blocked" }, headers: { "Access-Control-Allow-Origin": "*" } });
  });
  await page.getByRole("button", { name: "Open Chat" }).click();
  const again = page.getByRole("alert").getByRole("button", { name: "Try again" });
  await again.waitFor();
  assert.equal(asked, 1);
  await page.unroute("**/api/info");
  await again.click();
  await page.getByText("fake-model answers").waitFor();
  // What gives the token sets itself anew each time, as components of frameworks do.
  await page.evaluate((token) => {
    const widget = document.querySelector("chatkit-widget") ?? {};
    let calls = 0;
    const give = () => {
      calls += 1;
      if (calls > 1_000) throw new Error("no end of it");
      Object.assign(widget, { getToken: () => give() });
      return Promise.resolve(token);
    };
    Object.assign(widget, { getToken: give });
  }, users.bob);
  await script(says("Hello, Bob."));
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  await say(page, "It is me");
  await answered(page, "Hello, Bob.");
}

/** Who leaves while a message is on its way takes it along. */
async function leavesInMidSend(browser: Browser): Promise<void> {
  const page = await come(await visitor(browser, null), `token="${users.alice}"`);
  await openPanel(page);
  let goOn = () => {};
  const held = new Promise<void>((resolve) => (goOn = resolve));
  const begun: string[] = [];
  page.on("request", (request) => begun.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await page.route("**/api/chat/conversations", async (route) => {
    await held;
    await route.continue();
  });
  await say(page, "My secret is an ibex");
  await page.getByText("Sending…").waitFor({ state: "attached" });
  await page.evaluate((token) => {
    document.querySelector("chatkit-widget")?.setAttribute("token", token);
  }, users.bob);
  await page.getByRole("heading", { name: "How can I help?" }).waitFor();
  const created = page.waitForResponse((response) => response.request().method() === "POST");
  goOn();
  await created;
  await script(says("Hello, Bob."));
  await say(page, "I am Bob");
  await answered(page, "Hello, Bob.");
  assert.equal(begun.filter((request) => request.endsWith("/runs")).length, 1, begun.join("\n"));
  const left = await page.evaluate(() => JSON.stringify(localStorage));
  assert.doesNotMatch(left, /ibex/);
  assert.equal(await page.getByText("ibex").count(), 0);
}

/** The keyboard is where the user has led it, and nowhere else. */
async function keyboard(browser: Browser): Promise<void> {
  const page = await come(await visitor(browser, null), `token="${users.alice}" open`);
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.localName), "body");
  await page.evaluate(() => document.querySelector("chatkit-widget")?.removeAttribute("open"));
  await page.getByRole("button", { name: "Open Chat" }).focus();
  await page.keyboard.press("Enter");
  await script(says("By keys alone."));
  const composer = page.getByRole("textbox", { name: "Message" });
  await page.waitForFunction(() => {
    const root = document.querySelector("chatkit-widget")?.shadowRoot;
    return root?.activeElement?.localName === "textarea";
  });
  await page.keyboard.type("Can you hear me?");
  await page.keyboard.press("Enter");
  await answered(page, "By keys alone.");
  await composer.press("Escape");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  // On a phone, the page behind is out of reach, and the way back leads to the button.
  await page.setViewportSize({ width: 390, height: 780 });
  await page.getByRole("button", { name: "Close", exact: true }).focus();
  for (let step = 0; step < 30; step += 1) {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.localName), "chatkit-widget");
  }
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => {
    const root = document.querySelector("chatkit-widget")?.shadowRoot;
    return root?.activeElement?.classList.contains("launcher");
  });
}

async function byCookie(browser: Browser): Promise<void> {
  const page = await come(await visitor(browser, users.alice), "", SAME_SITE);
  await openPanel(page);
  await script(says("By the cookie."));
  await say(page, "Who am I?");
  await answered(page, "By the cookie.");
  const id = await kept(page);
  await api("GET", `/conversations/${id}`);
  // Somebody else signs in in another tab, while something is sent here.
  await page.getByRole("textbox", { name: "Message" }).fill("The words of a walrus");
  await page.context().addCookies([{ name: "auth_token", value: users.bob, url: origin }]);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "How can I help?" }).waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Message" }).inputValue(), "");
  assert.doesNotMatch(await page.evaluate(() => JSON.stringify(localStorage)), /walrus/);
  for (const user of [users.alice, users.bob]) {
    const found = await api<{ conversations: unknown[] }>("GET", "/conversations?q=words%20of%20a", undefined, user);
    assert.deepEqual(found.conversations, []);
  }
  // And while an answer is being written.
  await script([{ text: "It began" }, "stall"]);
  await say(page, "For Bob's eyes");
  await answer(page).getByText("It began").waitFor();
  await page.context().addCookies([{ name: "auth_token", value: users.alice, url: origin }]);
  await page.getByRole("heading", { name: "How can I help?" }).waitFor();
  assert.equal(await page.getByText("It began").count(), 0);
}

async function twoTabs(browser: Browser): Promise<void> {
  const context = await visitor(browser, null);
  const page = await come(context, `token="${users.alice}"`);
  const other = await come(context, `token="${users.alice}" open`);
  await openPanel(page);
  const slowly: Part[] = [{ text: "One " }, { wait: 700 }, { text: "two." }, { end: "stop" }];
  await script(slowly);
  await say(page, "Count");
  await answered(other, "One two.");
  // An answer that comes while nobody looks leaves a mark.
  await script([{ wait: 500 }, ...says("Three.")]);
  await say(page, "And then?");
  await page.getByRole("button", { name: "Stop", exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Open Chat: there is an answer" }).click();
  await answered(page, "Three.");
  await answered(other, "Three.");
}

async function deletedMeanwhile(browser: Browser): Promise<void> {
  const page = await come(await visitor(browser, null), `token="${users.alice}"`);
  await openPanel(page);
  await script(says("For now."));
  await say(page, "Will this last?");
  await answered(page, "For now.");
  await page.getByRole("textbox", { name: "Message" }).fill("Not lost");
  await api("DELETE", `/conversations/${await kept(page)}`);
  await page.getByRole("heading", { name: "How can I help?" }).waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Message" }).inputValue(), "Not lost");
  assert.equal(await kept(page), null);
}

async function originThatIsNotListed(browser: Browser): Promise<void> {
  const port = await serve(0);
  const page = await come(await visitor(browser, null), `token="${users.alice}"`, `http://localhost:${port}`);
  await openPanel(page);
  await page.getByText("You are offline").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Message" }).count(), 0);
}

async function ruledByThePage(browser: Browser): Promise<void> {
  const page = await come(await visitor(browser, null), `token="${users.alice}" position="bottom-left"`);
  const button = await look(page, ".launcher");
  assert.deepEqual([button.left, button.fromBottom], [24, 24]);
  await script(says("You asked from outside."));
  await page.evaluate(() => {
    const widget = document.querySelector("chatkit-widget");
    (widget as unknown as { ask(text: string): void }).ask("A question of the page's");
  });
  await answered(page, "You asked from outside.");
  assert.equal(await page.getByRole("textbox", { name: "Message" }).inputValue(), "");
  assert.equal(await page.getByRole("article", { name: "You" }).count(), 1);
  await page.evaluate(() => {
    const widget = document.querySelector("chatkit-widget");
    widget?.setAttribute("title", "Helper");
    widget?.setAttribute("theme", "dark");
    (widget as HTMLElement).style.setProperty("--chatkit-accent", "rgb(1, 2, 3)");
  });
  await page.getByRole("dialog", { name: "Helper" }).waitFor();
  // It fades there.
  await page.waitForFunction(() => {
    const button = document.querySelector("chatkit-widget")?.shadowRoot?.querySelector(".launcher");
    return button && getComputedStyle(button).backgroundColor === "rgb(1, 2, 3)";
  });
  assert.equal((await look(page, ".panel")).background, "rgb(22, 24, 29)");
  // Moved to another place, as frameworks do, it goes on.
  await page.evaluate(() => {
    const widget = document.querySelector("chatkit-widget");
    if (widget) document.querySelector("main")?.append(widget);
  });
  await answered(page, "You asked from outside.");
  await page.evaluate(() => document.querySelector("chatkit-widget")?.removeAttribute("open"));
  await page.getByRole("button", { name: "Open Helper" }).waitFor();
}

await play({
  "on a foreign page": onAForeignPage,
  "for everybody": accessible,
  "on a phone": onAPhone,
  "a token that runs out": tokenRunsOut,
  "another user": anotherUser,
  "signed in late": signedInLate,
  "by the page": byThePage,
  "refused on the way": refusedOnTheWay,
  "leaves in mid-send": leavesInMidSend,
  "keyboard": keyboard,
  "by the cookie": byCookie,
  "two tabs": twoTabs,
  "deleted meanwhile": deletedMeanwhile,
  "an origin that is not listed": originThatIsNotListed,
  "ruled by the page": ruledByThePage,
});
