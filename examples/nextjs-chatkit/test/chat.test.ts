/**
 * The app's own `fetch`, as ChatKit's component uses it, with the running app and the running chat
 * server. `APP_URL` and `CHATKIT_URL` say where they are; `EXPIRED_TOKEN` is one that the chat server
 * would have accepted before it ended; without it, one that it would not.
 */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { before, test } from "node:test";

import { createChatFetch, SignedOutError, type Trouble } from "../lib/chat-fetch.js";
import { chatOptions } from "../lib/chat-options.js";
import { Browser } from "./browser.js";
import { Component, textOf } from "./component.js";

const APP = process.env["APP_URL"] ?? "http://localhost:3000";
const CHATKIT = process.env["CHATKIT_URL"] ?? "http://127.0.0.1:8000/chatkit";
const EXPIRED = process.env["EXPIRED_TOKEN"] ?? `e30.${btoa('{"iat":0,"exp":300}')}.none`;
const TOKEN_PATH = "/api/auth/token";
const MINUTE = 60_000;

const PASSWORD = "a-long-password";
const address = (name: string) => `${name}-${randomUUID()}@example.com`;
const ALICE = { email: address("alice"), password: PASSWORD };

/** A page that shows the chat: a browser, the component in it, and what the app is told. */
class Page {
  readonly browser: Browser;
  readonly component: Component;
  readonly troubles: Trouble[] = [];
  timesSignedOut = 0;
  /** How far its clock has been turned, in milliseconds. */
  later = 0;
  /** The statuses with which the chat server answered. */
  readonly statuses: number[] = [];
  /** Tokens that the app is given, before those that are issued. */
  readonly badTokens: string[] = [];

  constructor(browser = new Browser(APP), url = CHATKIT) {
    this.browser = browser;
    const chatFetch = createChatFetch({
      fetch: this.#send,
      now: () => Date.now() + this.later,
      onSignedOut: () => (this.timesSignedOut += 1),
      onTrouble: (trouble) => this.troubles.push(trouble),
    });
    this.component = new Component(url, chatFetch);
  }

  /** How often it asked for a token. */
  get tokensAsked(): number {
    return this.browser.asked.filter((path) => path === TOKEN_PATH).length;
  }

  readonly #send: typeof fetch = async (input, init) => {
    const response = await this.browser.fetch(input, init);
    if (input instanceof Request) {
      this.statuses.push(response.status);
      return response;
    }
    const bad = this.badTokens.shift();
    return bad === undefined ? response : Response.json({ token: bad });
  };
}

const alice = new Page();
const bob = new Page();
let threadId: string;

before(async () => {
  await alice.browser.auth("/sign-up/email", { name: "Alice", ...ALICE });
  const unknown = { name: "Bob", email: address("bob"), password: PASSWORD };
  await bob.browser.auth("/sign-up/email", unknown);
});

test("strangers are sent to sign in, and reach no chat", async () => {
  const stranger = new Page();
  const home = await stranger.browser.fetch("/");
  assert.equal(home.status, 307);
  assert.equal(home.headers.get("Location"), "/sign-in");

  await assert.rejects(stranger.component.list(), SignedOutError);
  assert.equal(stranger.timesSignedOut, 1);
  assert.deepEqual(stranger.statuses, []);
});

test("whoever is signed in is shown the chat, and no form", async () => {
  const page = await alice.browser.fetch("/");
  assert.equal(page.status, 200);
  const html = await page.text();
  assert.ok(html.includes(CHATKIT), "the page names the chat server");
  assert.ok(html.includes(ALICE.email), "the page says who is signed in");

  const form = await alice.browser.fetch("/sign-in");
  assert.equal(form.headers.get("Location"), "/");
});

test("the prompts of the start screen do what they say", async () => {
  const [add, show, complete] = chatOptions.startScreen.prompts.map(({ prompt }) => prompt);
  assert.ok(add && show && complete);
  const first = await alice.component.say(add);
  assert.ok(first.threadId);
  threadId = first.threadId;
  assert.match(first.answer, /^Task created: buy groceries/im);
  assert.match((await alice.component.say(show, threadId)).answer, /^- 1: buy groceries/im);
  assert.match((await alice.component.say(complete, threadId)).answer, /^Task 1 is complete/m);
});

test("the conversation is in the history, and whole", async () => {
  const threads = await alice.component.list();
  assert.deepEqual(
    threads.map(({ id }) => id),
    [threadId],
  );
  const { items } = await alice.component.open(threadId);
  const said = items.data.filter(({ type }) => type === "user_message").map(textOf);
  assert.deepEqual(
    said,
    chatOptions.startScreen.prompts.map(({ prompt }) => prompt),
  );
  assert.equal(items.data.filter(({ type }) => type === "assistant_message").length, 3);
});

test("another user sees none of it", async () => {
  assert.deepEqual(await bob.component.list(), []);
  const params = { thread_id: threadId };
  assert.equal((await bob.component.send("threads.get_by_id", params)).status, 404);
  const content = [{ type: "input_text", text: "Hello?" }];
  const input = { content, attachments: [], quoted_text: "", inference_options: {} };
  const sent = await bob.component.send("threads.add_user_message", { ...params, input });
  assert.equal(sent.status, 404);
});

test("one token serves until shortly before its end, and all who ask at once", async () => {
  const page = new Page(bob.browser);
  const before = page.tokensAsked;
  await Promise.all([page.component.list(), page.component.list(), page.component.list()]);
  page.later = 4 * MINUTE;
  await page.component.list();
  assert.equal(page.tokensAsked, before + 1);
  page.later = 5 * MINUTE;
  await page.component.list();
  assert.equal(page.tokensAsked, before + 2);
  assert.deepEqual(page.statuses, [200, 200, 200, 200, 200]);
});

test("a token that is refused is renewed once", async () => {
  const page = new Page(alice.browser);
  page.badTokens.push(EXPIRED);
  assert.match((await page.component.say("Show me all my tasks")).answer, /^- 1: buy groceries/im);
  assert.deepEqual(page.statuses, [401, 200]);
  assert.deepEqual(page.troubles, [undefined]);

  page.later = 5 * MINUTE;
  page.badTokens.push(EXPIRED, EXPIRED);
  assert.equal((await page.component.send("threads.list", {})).status, 401);
  assert.deepEqual(page.statuses, [401, 200, 401, 401]);
  assert.deepEqual(page.troubles, [undefined, "refused"]);
});

test("the page tells of a chat server that cannot be reached", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  const page = new Page(alice.browser, `http://127.0.0.1:${port}/chatkit`);
  await assert.rejects(page.component.list(), TypeError);
  assert.deepEqual(page.troubles, ["unreachable"]);
});

test("who has signed out is sent to sign in, and finds everything again", async () => {
  await alice.browser.auth("/sign-out");
  alice.later = 5 * MINUTE;
  await assert.rejects(alice.component.list(), SignedOutError);
  assert.equal(alice.timesSignedOut, 1);
  assert.equal((await alice.browser.fetch("/")).headers.get("Location"), "/sign-in");

  await alice.browser.auth("/sign-in/email", ALICE);
  const ids = (await alice.component.list()).map(({ id }) => id);
  assert.ok(ids.includes(threadId));
});
