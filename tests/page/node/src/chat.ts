/** What people do with the page. */

import assert from "node:assert/strict";

import type { Browser, BrowserContext, Page } from "playwright-core";

import { checkAccessibility } from "./accessibility.js";
import { api } from "./api.js";
import { answer, answered, say } from "./conversation.js";
import {
  history,
  origin,
  type Part,
  play,
  says,
  script,
  signInToken,
  startServer,
  stopServer,
  users,
  visitor,
} from "./stage.js";

/** An answer that begins and does not end. */
const STALLED: Part[] = [{ text: "Once upon a time, " }, { text: "there was" }, "stall"];

async function openPage(context: BrowserContext, path = "/"): Promise<Page> {
  const page = await context.newPage();
  await page.goto(origin + path);
  return page;
}

/** The page of somebody who is signed in, with nothing said yet. */
async function begin(browser: Browser, look = {}): Promise<Page> {
  const page = await openPage(await visitor(browser, users.alice, look));
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  return page;
}

function listed(page: Page, title: string) {
  return page.getByRole("navigation").getByRole("link", { name: title, exact: true });
}

async function firstVisit(browser: Browser): Promise<void> {
  const context = await visitor(browser, null);
  const page = await openPage(context);
  await page.getByRole("heading", { name: "Sign in to chat" }).waitFor();
  await checkAccessibility(page);
  await page.goto("about:blank");
  await page.goto(`${origin}/#token=${signInToken}`);
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  assert.equal(new URL(page.url()).hash, "");
  await page.getByText("fake-model answers").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Sign in to chat" }).waitFor();
  // One that is not good says so.
  await page.goto("about:blank");
  await page.goto(`${origin}/#token=${signInToken}x`);
  await page.getByRole("heading", { name: "This sign-in link has expired" }).waitFor();
}

async function startersAndTools(browser: Browser): Promise<void> {
  const page = await begin(browser);
  const call = { id: "c1", name: "add_task", arguments: '{"title":"Buy groceries"}' };
  await script(
    [{ call }, { end: "tool_calls" }],
    says("Added **groceries**.\n\n```js\nconst milk = 1;\n```"),
  );
  await page.getByRole("button", { name: "Add a task to buy groceries" }).click();
  await answered(page, "Added groceries.");
  assert.match(page.url(), /\/c\/[0-9a-f-]{36}$/);
  await answer(page).locator("strong").getByText("groceries").waitFor();
  const card = page.locator("main details").first();
  await card.getByText("Add task").click();
  await card.getByText('"title": "Buy groceries"').first().waitFor();
  await card.getByText("Result").waitFor();
  await answer(page).getByText("const milk = 1;").waitFor();
  await answer(page).locator(".code-copy").click();
  await answer(page).locator(".code-copy").getByText("Copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "const milk = 1;");
  await answer(page).getByRole("button", { name: "Copy", exact: true }).last().click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^Added \*\*groceries\*\*/);
  const kept = page.waitForResponse((response) => response.url().endsWith("/feedback"));
  await answer(page).getByRole("button", { name: "Good answer" }).click();
  assert.equal((await kept).status(), 204);
  await page.reload();
  const liked = answer(page).getByRole("button", { name: "Good answer", pressed: true });
  await liked.waitFor();
  await checkAccessibility(page);
}

async function linksLeadAway(browser: Browser): Promise<void> {
  const page = await begin(browser);
  const context = page.context();
  await context.route("https://elsewhere.test/**", (route) => route.fulfill({ body: "Elsewhere" }));
  await script(says("Look [over there](https://elsewhere.test/there), or [here](/c/1)."));
  await say(page, "Where?");
  await answered(page, "over there");
  const address = page.url();
  const [other] = await Promise.all([
    context.waitForEvent("page"),
    answer(page).getByRole("link", { name: "over there" }).click(),
  ]);
  await other.getByText("Elsewhere").waitFor();
  assert.equal(await other.evaluate(() => window.opener), null);
  assert.equal(await other.evaluate(() => document.referrer), "");
  // An answer links to nothing of this page's own.
  assert.equal(await answer(page).getByRole("link").count(), 1);
  assert.equal(page.url(), address);
}

async function stopAndAgain(browser: Browser): Promise<void> {
  const page = await begin(browser);
  await script(STALLED, says("The end came soon."), says("It came later."));
  await say(page, "Tell me a story");
  await answer(page).getByText("there was").waitFor();
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await answer(page).getByText("You stopped this answer.").waitFor();
  await answer(page).getByText("Once upon a time, there was").waitFor();
  await answer(page).getByRole("button", { name: "Try again" }).click();
  await answered(page, "The end came soon.");
  assert.equal(await page.getByText("Once upon a time").count(), 0);
  await answer(page).getByRole("button", { name: "Answer again" }).click();
  await answered(page, "It came later.");
  assert.equal(await page.getByRole("article", { name: "Answer" }).count(), 1);
}

/** The texts and the tools of the last answer, in the order in which they are shown. */
async function partsShown(page: Page): Promise<string[]> {
  return await answer(page).evaluate((article) =>
    [...article.querySelectorAll(".markdown, .tool-name")].map((part) => part.textContent?.trim() ?? ""),
  );
}

async function toolsBetweenTexts(browser: Browser): Promise<void> {
  const page = await begin(browser);
  const add = { id: "c1", name: "add_task", arguments: '{"title":"Tea"}' };
  const list = { id: "c2", name: "list_tasks", arguments: "{}" };
  const again = { id: "c3", name: "list_tasks", arguments: "{}" };
  await script(
    // A character that takes two units of a string.
    [{ text: "I add it 🫖 to **your** list." }, { call: add }, { end: "tool_calls" }],
    [{ call: list }, { end: "tool_calls" }],
    [{ text: "Now I look once more." }, { call: again }, { end: "tool_calls" }],
    [{ text: "It is" }, { wait: 1_500 }, { text: " there." }, { end: "stop" }],
  );
  await say(page, "Add tea");
  await answer(page).getByText("It is").waitFor();
  const parts = [
    ...["I add it 🫖 to your list.", "Add task", "List tasks"],
    ...["Now I look once more.", "List tasks"],
  ];
  assert.equal(await answer(page).getAttribute("aria-busy"), "true");
  assert.deepEqual(await partsShown(page), [...parts, "It is"]);
  await answered(page, "It is there.");
  assert.deepEqual(await partsShown(page), [...parts, "It is there."]);
  await page.reload();
  await answered(page, "It is there.");
  assert.deepEqual(await partsShown(page), [...parts, "It is there."]);
  await checkAccessibility(page);
}

async function reasoningIsFolded(browser: Browser): Promise<void> {
  const page = await begin(browser);
  const text = "First I *look*. Then I <b>think</b>.";
  await script([
    ...[{ reasoning: "First I *look*. " }, { wait: 1_200 }, { reasoning: "Then I <b>think</b>." }],
    ...[{ text: "Here it" }, { wait: 1_500 }, { text: " is." }, { end: "stop" }],
  ]);
  await say(page, "Think first");
  await answer(page).locator("summary").getByText("Thinking…").waitFor();
  assert.equal(await answer(page).getByText("First I").count(), 0);
  await answer(page).locator("summary").press("Enter");
  await answer(page).getByText("First I *look*.").waitFor();
  // It says how long it took as soon as the answer goes on, and stays open when that is complete.
  await answer(page).getByText("Here it").waitFor();
  assert.equal(await answer(page).getAttribute("aria-busy"), "true");
  const summary = await answer(page).locator("summary").innerText();
  assert.match(summary, /^Thought for [1-3] s$/);
  const reasoning = answer(page).getByRole("region", { name: "Reasoning" });
  assert.equal(await reasoning.textContent(), text);
  await answered(page, "Here it is.");
  assert.equal(await answer(page).locator("summary").innerText(), summary);
  assert.equal(await reasoning.textContent(), text);
  await checkAccessibility(page);
  await page.reload();
  await answered(page, "Here it is.");
  assert.equal(await reasoning.count(), 0);
  await answer(page).locator("summary").getByText("Reasoning", { exact: true }).click();
  assert.equal(await reasoning.textContent(), text);
}

async function reloadInMidThought(browser: Browser): Promise<void> {
  const page = await begin(browser);
  await script([
    ...[{ reasoning: "Slowly, " }, { wait: 3_000 }, { reasoning: "slowly." }],
    ...[{ text: "At last" }, { wait: 1_500 }, { text: "!" }, { end: "stop" }],
  ]);
  await say(page, "Take your time");
  await answer(page).getByText("Thinking…").waitFor();
  await page.reload();
  await answer(page).getByText("Thinking…").waitFor();
  // The page has not seen the start, so it does not know the time.
  await answer(page).getByText("At last").waitFor();
  assert.equal(await answer(page).locator("summary").innerText(), "Reasoning");
  await answered(page, "At last!");
  assert.equal(await answer(page).locator("summary").innerText(), "Reasoning");
}

async function brokenOff(browser: Browser): Promise<void> {
  const page = await begin(browser);
  await script([{ text: "Half of" }, "abort"], says("All of it."));
  await say(page, "Say it all");
  for (const visit of ["live", "reloaded"]) {
    await answer(page).getByText("The answer broke off.").waitFor();
    await answer(page).getByText("Half of").waitFor();
    assert.equal(await page.locator(".notice").count(), 0, visit);
    await page.reload();
  }
  await answer(page).getByRole("button", { name: "Try again" }).click();
  await answered(page, "All of it.");
  assert.equal(await page.getByText("Half of").count(), 0);
}

async function lengthLimit(browser: Browser): Promise<void> {
  const page = await begin(browser);
  const rest: Part[] = [{ text: "three, " }, { wait: 1_500 }, { text: "four." }, { end: "stop" }];
  await script([{ text: "One, two," }, { end: "length" }], rest);
  await say(page, "Count to four");
  const answers = page.getByRole("article", { name: "Answer" });
  const reason = answers.getByText("The answer reached the model's length limit.");
  const next = page.getByRole("button", { name: "Continue" });
  await reason.waitFor();
  await answer(page).getByRole("button", { name: "Answer again" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Try again" }).count(), 0);
  await checkAccessibility(page);
  await page.reload();
  await page.getByRole("textbox", { name: "Message" }).fill("Not sent yet");
  await next.click();
  await page.getByRole("article", { name: "You" }).getByText("Continue", { exact: true }).waitFor();
  await answer(page).getByText("three,").waitFor();
  assert.equal(await next.count(), 0);
  await answered(page, "three, four.");
  assert.equal(await next.count(), 0);
  await reason.waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Message" }).inputValue(), "Not sent yet");
}

async function contentFilter(browser: Browser): Promise<void> {
  const page = await begin(browser);
  await script([{ text: "Up to here" }, { end: "content_filter" }]);
  await say(page, "Say the unsayable");
  await answer(page).getByText("The model's content filter withheld the rest.").waitFor();
  await answer(page).getByRole("button", { name: "Try again" }).waitFor();
  // Answers that an older version stored have no reason.
  await page.route("**/messages?*", async (route) => {
    const response = await route.fetch();
    const json = (await response.json()) as { messages: { incomplete_reason: string | null }[] };
    for (const message of json.messages) message.incomplete_reason = null;
    await route.fulfill({ response, json });
  });
  await page.reload();
  await answer(page).getByText(/^Stopped/).waitFor();
  await answer(page).getByRole("button", { name: "Try again" }).waitFor();
}

async function reloadAndTabs(browser: Browser): Promise<void> {
  const page = await begin(browser);
  const words = ["One ", "two ", "three ", "four ", "five ", "six."];
  const slowly = words.flatMap((text): Part[] => [{ text }, { wait: 700 }]);
  await script([...slowly, { end: "stop" }]);
  await say(page, "Count to six");
  await answer(page).getByText("two").waitFor();
  const other = await openPage(page.context(), new URL(page.url()).pathname);
  await page.reload();
  await answered(page, "One two three four five six.");
  await answered(other, "One two three four five six.");
  // What is said in one tab is seen in the other.
  await script(says("Seven comes next."));
  await say(page, "And then?");
  await answered(other, "Seven comes next.");
  assert.equal(await other.getByRole("article", { name: "You" }).count(), 2);
}

async function namesAndSearch(browser: Browser): Promise<void> {
  const page = await begin(browser);
  await script(says("Gladly."), says("Why not."));
  await say(page, "A question about whales");
  await answered(page, "Gladly.");
  await page.getByRole("button", { name: "New chat" }).click();
  await say(page, "A question about ants");
  await answered(page, "Why not.");
  await page.getByRole("button", { name: "Options of “A question about ants”" }).click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  const field = page.getByRole("textbox", { name: "Title" });
  await field.fill("Ants");
  await field.press("Enter");
  await listed(page, "Ants").waitFor();
  const search = page.getByRole("searchbox", { name: "Search conversations" });
  await search.fill("whales");
  await listed(page, "Ants").waitFor({ state: "detached" });
  await listed(page, "A question about whales").click();
  await answered(page, "Gladly.");
  await search.fill("");
  await listed(page, "Ants").waitFor();
  await page.getByRole("button", { name: "Options of “Ants”" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await listed(page, "Ants").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).click();
  await listed(page, "Ants").waitFor();
  await page.reload();
  await listed(page, "Ants").waitFor();
  await page.goBack();
}

async function twoUsers(browser: Browser): Promise<void> {
  const page = await begin(browser);
  await script(says("Between us."));
  await say(page, "My secret is a walrus");
  await answered(page, "Between us.");
  const path = new URL(page.url()).pathname;
  const bobs = await openPage(await visitor(browser, users.bob), path);
  await bobs.getByRole("heading", { name: "This conversation is not here" }).waitFor();
  assert.equal(await bobs.getByText("walrus").count(), 0);
}

async function anotherUserSignsIn(browser: Browser): Promise<void> {
  const page = await begin(browser);
  await script(says("Nobody else."));
  await say(page, "Who may know of the otter?");
  await answered(page, "Nobody else.");
  await page.evaluate((token) => {
    location.hash = `#token=${token}`;
  }, signInToken);
  await page.getByRole("heading", { name: "This conversation is not here" }).waitFor();
  await page.getByText("Your conversations will be listed here.").waitFor();
  assert.doesNotMatch(await page.content(), /otter|Nobody else/);
  // And one who does in another tab, while something is typed here.
  const composer = page.getByRole("textbox", { name: "Message" });
  await page.getByRole("button", { name: "New chat" }).first().click();
  await composer.fill("A secret of Carol's");
  await page.context().addCookies([{ name: "auth_token", value: users.bob, url: origin }]);
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await page.waitForFunction(() => document.querySelector("textarea")?.value === "");
  assert.doesNotMatch(await page.evaluate(() => JSON.stringify(localStorage)), /secret/);
  // What one goes on typing is not the other's.
  assert.notEqual(await page.evaluate(() => document.activeElement?.localName), "textarea");
  // Nor is anything sent for who comes while it is on its way.
  await composer.fill("Said by Bob alone");
  await page.context().addCookies([{ name: "auth_token", value: users.alice, url: origin }]);
  await composer.press("Enter");
  await page.waitForFunction(() => document.querySelector("textarea")?.value === "");
  await page.getByRole("button", { name: "Show me all my tasks" }).waitFor();
  for (const user of [users.alice, users.bob]) {
    const found = await api<{ conversations: unknown[] }>("GET", "/conversations?q=Bob%20alone", undefined, user);
    assert.deepEqual(found.conversations, []);
  }
}

async function emptyConversation(browser: Browser): Promise<void> {
  const { id } = await api<{ id: string }>("POST", "/conversations", { title: "Nothing yet" });
  const page = await openPage(await visitor(browser, users.alice), `/c/${id}`);
  await page.getByRole("button", { name: "Show me all my tasks" }).waitFor();
  let lists = 0;
  page.on("request", (request) => {
    lists += /\/conversations\?/.test(request.url()) ? 1 : 0;
  });
  // What is polled is the conversation alone: two looks later the list was not read again.
  for (let look = 0; look < 2; look += 1) {
    await page.waitForResponse((response) => response.url().includes(`/${id}/messages`));
  }
  assert.equal(lists, 0);
}

async function offlineAndBack(browser: Browser): Promise<void> {
  const page = await begin(browser);
  await script(says("Hello again."));
  await page.context().setOffline(true);
  await say(page, "Is anybody there?");
  await page.getByText("You are offline").waitFor();
  const composer = page.getByRole("textbox", { name: "Message" });
  await page.waitForFunction(() => document.querySelector("textarea")?.value !== "");
  assert.equal(await composer.inputValue(), "Is anybody there?");
  await page.context().setOffline(false);
  await page.getByText("You are offline").waitFor({ state: "detached" });
  await composer.press("Enter");
  await answered(page, "Hello again.");
  assert.equal(await page.getByRole("article", { name: "You" }).count(), 1);
}

async function serverAwayAndBack(browser: Browser): Promise<void> {
  const page = await begin(browser);
  await script(STALLED);
  await say(page, "Tell me another story");
  await answer(page).getByText("there was").waitFor();
  await stopServer();
  await startServer();
  await answer(page).getByText("The answer was interrupted.").waitFor();
  await answer(page).getByText("Once upon a time, there was").waitFor();
  await page.getByText("You are offline").waitFor({ state: "detached" });
  // The text so far, and one button.
  await page.waitForFunction(() => document.querySelectorAll(".notice").length === 0);
  assert.equal(await page.getByRole("button", { name: "Try again" }).count(), 1);
  await script(says("And so it ended."));
  await page.getByRole("button", { name: "Try again" }).click();
  await answered(page, "And so it ended.");
}

async function countAndDrafts(browser: Browser): Promise<void> {
  const page = await begin(browser);
  const composer = page.getByRole("textbox", { name: "Message" });
  await composer.fill("é".repeat(8_999));
  assert.equal(await page.getByText("of 10,000").count(), 0);
  await composer.fill("😀".repeat(9_100));
  await page.getByText("9,100 of 10,000").waitFor();
  await composer.fill("x".repeat(10_001));
  await page.getByText("10,001 of 10,000").waitFor();
  assert.ok(await page.getByRole("button", { name: "Send" }).isDisabled());
  await composer.fill("Not sent yet");
  // Each conversation has a draft of its own, which outlives the page.
  const { id } = await api<{ id: string }>("POST", "/conversations", { title: "The other one" });
  await page.reload();
  assert.equal(await composer.inputValue(), "Not sent yet");
  await listed(page, "The other one").click();
  await page.waitForURL(`${origin}/c/${id}`);
  assert.equal(await composer.inputValue(), "");
  await composer.fill("For the other one");
  await page.goBack();
  await page.waitForFunction(() => document.querySelector("textarea")?.value === "Not sent yet");
  await page.goForward();
  await page.waitForFunction(() => document.querySelector("textarea")?.value === "For the other one");
}

async function quietWhileHidden(browser: Browser): Promise<void> {
  const { id } = await api<{ id: string }>("POST", "/conversations", { title: "Behind others" });
  const page = await openPage(await visitor(browser, users.alice), `/c/${id}`);
  const polled = () => page.waitForResponse((response) => response.url().includes(`/${id}/messages`));
  await polled();
  const show = (visibilityState: string) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, visibilityState);
  await show("hidden");
  let polls = 0;
  page.on("request", (request) => (polls += request.url().includes(`/${id}/messages`) ? 1 : 0));
  await page.waitForTimeout(5_000);
  assert.equal(polls, 0);
  const again = polled();
  await show("visible");
  await again;
}

async function keyboardOnly(browser: Browser): Promise<void> {
  const page = await begin(browser);
  await script(says("By keys alone."));
  await page.keyboard.type("Can you hear me?");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("Over.");
  await page.keyboard.press("Enter");
  await answered(page, "By keys alone.");
  const path = new URL(page.url()).pathname;
  await tabTo(page, "New chat", "Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Show me all my tasks" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("hear me");
  await listed(page, "Can you hear me?").waitFor();
  await tabTo(page, "Can you hear me?", "Tab");
  await page.keyboard.press("Enter");
  await answered(page, "By keys alone.");
  assert.equal(new URL(page.url()).pathname, path);
}

/** Leads the keyboard to what has this text. */
async function tabTo(page: Page, text: string, key: "Tab" | "Shift+Tab"): Promise<void> {
  for (let step = 0; step < 80; step += 1) {
    await page.keyboard.press(key);
    const focused = await page.evaluate(() => document.activeElement?.textContent ?? "");
    if (focused.trim() === text) return;
  }
  throw new Error(`the keyboard does not come to “${text}”`);
}

async function phone(browser: Browser): Promise<void> {
  const page = await begin(browser, { phone: true, dark: true });
  await script(says("Small is beautiful."));
  await say(page, "Do I fit?");
  await answered(page, "Small is beautiful.");
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
  await page.getByRole("button", { name: "Conversations" }).click();
  await listed(page, "Do I fit?").waitFor();
  await checkAccessibility(page);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Send" }).waitFor();
  await checkAccessibility(page);
}

async function longHistory(browser: Browser): Promise<void> {
  const id = await history(5_000);
  const page = await openPage(await visitor(browser, users.bob), `/c/${id}`);
  await page.getByText("Line 5000 of a long talk.").waitFor();
  const log = page.getByRole("region", { name: "History" });
  // What is read stays where it is when older ones come above it.
  const moved = await log.evaluate(async (view) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const first = view.querySelector(".message");
    if (!first) throw new Error("there is no message");
    view.scrollTop = 100;
    await frame();
    const before = first.getBoundingClientRect().top;
    while (view.querySelector(".message") === first) await frame();
    await frame();
    await frame();
    return Math.abs(first.getBoundingClientRect().top - before);
  });
  assert.ok(moved <= 2, `it moved by ${moved} pixels`);
  // Older ones come as one scrolls up.
  for (const line of [4_940, 4_880, 4_820]) {
    await log.evaluate((element) => element.scrollTo(0, 0));
    await page.getByText(`Line ${line} of a long talk.`).waitFor({ state: "attached" });
  }
  await page.getByRole("button", { name: "Jump to latest" }).click();
  await page.getByText("Line 5000 of a long talk.").waitFor();
}

async function manyConversations(browser: Browser): Promise<void> {
  for (let index = 0; index < 45; index += 1) {
    await api("POST", "/conversations", { title: `Chat number ${index}` }, users.bob);
  }
  const page = await openPage(await visitor(browser, users.bob));
  await listed(page, "Chat number 44").waitFor();
  for (const title of ["Chat number 24", "Chat number 4", "Chat number 0"]) {
    await listed(page, "Chat number 44").hover();
    await page.mouse.wheel(0, 5_000);
    await listed(page, title).waitFor();
  }
}

await play({
  "first visit, sign in and out": firstVisit,
  "a starter, a tool, what an answer can do": startersAndTools,
  "links lead away": linksLeadAway,
  "stop and answer again": stopAndAgain,
  "tools between texts": toolsBetweenTexts,
  "reasoning is folded": reasoningIsFolded,
  "reload in mid-thought": reloadInMidThought,
  "an answer that broke off": brokenOff,
  "the length limit": lengthLimit,
  "the content filter": contentFilter,
  "reload in mid-answer, two tabs": reloadAndTabs,
  "names, search, delete and undo": namesAndSearch,
  "two users": twoUsers,
  "another user signs in": anotherUserSignsIn,
  "an empty conversation": emptyConversation,
  "offline and back": offlineAndBack,
  "the server away and back": serverAwayAndBack,
  "counting, and a draft for each": countAndDrafts,
  "quiet while hidden": quietWhileHidden,
  "keyboard only": keyboardOnly,
  "a phone in the dark": phone,
  "a long history": longHistory,
  "many conversations": manyConversations,
});
