/**
 * What a user does with the component, against a running server whose model follows a script:
 * `npm test --silent -- <base-url> <token> <model>`. After each turn, what was streamed must be
 * what the server keeps.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { setTimeout } from "node:timers/promises";

import { Component, mention } from "./component.js";
import { type Options, Refusal, rows } from "./connection.js";
import type { Thread, ThreadItem } from "./protocol.js";
import { textOf } from "./thread.js";

const [baseUrl = "", token = "", model = ""] = process.argv.slice(2);

/** The page adds its token to what the component sends. */
const OPTIONS = {
  api: {
    url: `${baseUrl}/chatkit`,
    domainKey: "local",
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set("Authorization", `Bearer ${token}`);
      return fetch(input, { ...init, headers });
    },
  },
  locale: "de-DE",
  history: { enabled: true, showDelete: true, showRename: true },
  threadItemActions: { feedback: true, retry: true },
  composer: { models: [{ id: model, label: "The model", default: true }] },
} satisfies Options;

/** A scenario that hangs has failed. */
const TIMEOUT = 60_000;

/** How the answer that is stopped begins, after which the model falls silent. */
const BEGINNING = "Once upon a time, there was";

let current = "";
void setTimeout(TIMEOUT, undefined, { ref: false }).then(() => {
  console.error(`took too long: ${current}`);
  process.exit(1);
});

/** Does something under a name, which an error tells. */
async function step(name: string, what: () => Promise<void>): Promise<void> {
  current = name;
  try {
    await what();
  } catch (cause) {
    throw new Error(`failed: ${name}`, { cause });
  }
}

const component = new Component(OPTIONS);
const { connection } = component;

/** What the items of the thread say. */
const texts = (): string[] => component.current.items.map(textOf).filter((text) => text !== "");

/** The last message of the user. */
function question(): string {
  const found = component.current.items.findLast(({ type }) => type === "user_message");
  assert.ok(found);
  return found.id;
}

function answer(): string {
  const last = component.current.items.at(-1);
  assert.ok(last?.type === "assistant_message", `the last item is a ${last?.type}`);
  return last.id;
}

/** The server keeps what the component has, in whatever way it is read. */
async function compare(...limits: number[]): Promise<void> {
  const { thread, items } = component.current;
  const { items: first, ...read } = await connection.ask("threads.get_by_id", {
    thread_id: thread.id,
  });
  const { items: _, ...local } = thread;
  assert.deepEqual(read, local);
  assert.ok(rows(first) <= 20);
  assert.deepEqual([...first.data, ...(await connection.rest(thread.id, first))], items);
  const times = items.map(({ created_at }) => Date.parse(created_at));
  const ascending = times.toSorted((one, other) => one - other);
  assert.deepEqual(times, ascending, "items are in order of time");
  for (const limit of [9999, ...limits]) {
    assert.deepEqual(await connection.items(thread.id, "asc", limit), items, `by ${limit}`);
    const newestFirst = await connection.items(thread.id, "desc", limit);
    assert.deepEqual(newestFirst.reverse(), items, `back by ${limit}`);
  }
}

/** Sends something, and waits until all is there that the model says before it falls silent. */
async function sayUntilSilent(text: string): Promise<{ ended: Promise<void> }> {
  const ended = component.sendUserMessage({ text });
  const seen = component.until(() => texts().at(-1) === BEGINNING);
  await Promise.race([seen, ended.then(() => assert.fail("it ended by itself"))]);
  return { ended };
}

/**
 * Waits until the answer that was stopped is kept. The server dates it anew then; all else is as
 * it was streamed.
 */
async function untilKept(): Promise<void> {
  const stopped = component.current.items.find((item) => textOf(item) === BEGINNING);
  assert.ok(stopped, "what was said before the stop is shown");
  const { id } = component.current.thread;
  let kept: ThreadItem | undefined;
  for (let tries = 0; tries < 100 && !kept; tries += 1) {
    await setTimeout(tries === 0 ? 0 : 50);
    kept = (await connection.items(id, "asc", 9999)).find((item) => item.id === stopped.id);
  }
  assert.ok(kept, "what was said before the stop is kept");
  stopped.created_at = kept.created_at;
}

/** Sends something that is answered to its end. */
async function say(...message: Parameters<Component["sendUserMessage"]>): Promise<void> {
  await component.sendUserMessage(...message);
  assert.equal(component.current.error, undefined);
  await compare();
}

await step("a history that is empty", async () => {
  assert.deepEqual(await connection.ask("threads.list", { limit: 9999, order: "desc" }), {
    data: [],
    has_more: false,
  });
});

await step("a message in a new thread", async () => {
  await say({ text: "Hallo, ich bin Ada" });
  assert.deepEqual(texts(), ["Hallo, ich bin Ada", "Grüße, Ada! 👋\nWas liegt\u2028heute an?"]);
  assert.ok(component.current.thread.title);
});

await step("a message with a quote, a mention and a model, answered with tools", async () => {
  const milk = mention({ id: "p1", title: "Milk", group: "Shop", data: { aisle: "2" } });
  await say({
    content: [{ type: "input_text", text: "Please add " }, milk],
    reply: "Was liegt heute an?",
    model,
  });
  const said = ["Please add Milk", "One moment, please.\n\nIt is on your list now."];
  assert.deepEqual(texts().slice(2), said);
  const [, steps] = component.current.items.slice(2);
  assert.ok(steps?.type === "workflow", "the tools are shown before the answer");
  const signs = steps.workflow.tasks.map(({ status_indicator }) => status_indicator);
  assert.deepEqual(signs, ["complete", "complete", "complete"]);
});

await step("an answer that is stopped, and a message at once", async () => {
  const kept = component.current.items.length;
  const { ended } = await sayUntilSilent("Tell me a long story");
  // What others ask for is answered in the meantime, and what was said is kept.
  const { id } = component.current.thread;
  const during = await connection.items(id, "asc", kept + 1);
  assert.deepEqual(during, component.current.items.slice(0, kept + 1));
  component.stop();
  const next = component.sendUserMessage({ text: "A short one, please" });
  await Promise.all([ended, next]);
  const said = ["Tell me a long story", BEGINNING, "A short one, please", "The end came soon."];
  assert.deepEqual(texts().slice(4), said);
  await untilKept();
  // Behind that answer there is an item that no one sees.
  await compare(1, 2, 3);
});

await step("a retry of the last message", async () => {
  const before = answer();
  await component.retry(question());
  assert.notEqual(answer(), before);
  assert.deepEqual(texts().slice(6), ["A short one, please", "Another end came."]);
  await compare(1);
});

await step("a retry of an earlier message, which drops what came later", async () => {
  const items = component.current.items.filter(({ type }) => type === "user_message");
  const earlier = items[2];
  assert.ok(earlier);
  await component.retry(earlier.id);
  assert.deepEqual(texts().slice(4), ["Tell me a long story", "No story today, sorry."]);
  await compare(1);
});

await step("an answer that is stopped, and nothing more", async () => {
  const { ended } = await sayUntilSilent("Tell me another");
  component.stop();
  await ended;
  await untilKept();
  assert.deepEqual(texts().slice(6), ["Tell me another", BEGINNING]);
  await compare(1);
});

await step("an answer that fails, and its retry", async () => {
  await component.sendUserMessage({ text: "Will this work?" });
  const { error } = component.current;
  assert.deepEqual(error, { type: "error", code: "stream.error", allow_retry: true });
  assert.deepEqual(texts().slice(8), ["Will this work?", "It will fa"]);
  await compare();
  await component.retry(question());
  assert.deepEqual(texts().slice(9), ["You said: Will this work?"]);
  await compare();
});

await step("a name, which the next turn leaves alone", async () => {
  await component.rename(component.current.thread.id, "Ada’s list");
  await compare();
  await say({ text: "One more thing" });
  assert.equal(component.current.thread.title, "Ada’s list");
});

await step("feedback, of which the thread shows nothing", async () => {
  await component.rate(answer(), "positive");
  await component.rate(answer(), "negative");
  await component.rate(question(), "negative");
  await compare();
});

await step("a thread of several pages, opened again", async () => {
  for (let count = 1; count <= 8; count += 1) {
    await component.sendUserMessage({ text: `Number ${count}` });
  }
  const { thread, items } = component.current;
  assert.ok(items.length > 20);
  await compare(1, 2, 3, 20, items.length, items.length - 1);
  const first = await connection.ask("threads.get_by_id", { thread_id: thread.id });
  assert.ok(first.items.has_more);
  await component.setThreadId(thread.id);
  assert.deepEqual(component.current.items, items);
  assert.deepEqual(component.current.thread, thread);
  await say({ text: "And on it goes" });
  await component.fetchUpdates();
  await compare();
});

await step("a history in order of creation", async () => {
  const first = component.current.thread;
  const threads: Thread[] = [first];
  for (const text of ["The second", "The third"]) {
    await say({ text, newThread: true });
    threads.unshift(component.current.thread);
  }
  // Speaking in the oldest does not move it.
  await component.setThreadId(first.id);
  await say({ text: "Back again" });
  await component.showHistory();
  assert.deepEqual(component.history, threads);
  for (const limit of [1, 2]) {
    assert.deepEqual(await connection.threads("desc", limit), threads);
    assert.deepEqual((await connection.threads("asc", limit)).reverse(), threads);
  }
});

await step("a thread that is deleted", async () => {
  const { id } = component.current.thread;
  const others = component.history.filter((thread) => thread.id !== id);
  await component.delete(id);
  assert.deepEqual(component.history, others);
  await component.showHistory();
  assert.deepEqual(component.history, others);
  const isMissing = (error: unknown): boolean => error instanceof Refusal && error.status === 404;
  await assert.rejects(component.setThreadId(id), isMissing);
  await assert.rejects(connection.ask("items.list", { thread_id: id }), isMissing);
  // The others are as they were.
  await component.setThreadId(others[0]?.id ?? "");
  assert.deepEqual(texts(), ["The third", "You said: The third"]);
  await component.setThreadId(null);
});

console.log("ok");
