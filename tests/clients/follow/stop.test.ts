/** Who stops following a run leaves nothing behind, and at once. */

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { TestContext } from "node:test";

import type { NumberedRunEvent, RunEvents } from "@chatkit-rs/client";

import {
  all,
  body,
  broken,
  END,
  EVENTS,
  followFrom,
  frame,
  frames,
  nothing,
  open,
  problem,
  problemOf,
  serve,
  STARTED,
  STREAM,
} from "./harness.js";
import { signpost, SILENCE, test, until, watchListeners, watchTimers } from "./timing.js";

const DONE = { done: true, value: undefined };

/** A server whose only answer never ends, and when its connection is closed. */
async function serveForEver(t: TestContext, answer = open(frame(STARTED))) {
  const [asked, closed] = [signpost(), signpost()];
  const { follow } = await serve(t, [
    (request, response) => {
      response.on("close", closed.reach);
      answer(request, response);
      asked.reach();
    },
  ]);
  return { follow, asked: asked.reached, closed: closed.reached };
}

test("leaving the loop closes the connection", async (t) => {
  const timers = watchTimers(t);
  const { signal } = new AbortController();
  const { closed, follow } = await serveForEver(t, open(frames(EVENTS.slice(0, 3))));
  for await (const event of follow({ signal })) {
    assert.deepEqual(event, STARTED);
    break;
  }
  await closed;
  assert.deepEqual(getEventListeners(signal, "abort"), []);
  assert.deepEqual([...timers], []);
});

test("what the loop throws closes the connection, and is not changed", async (t) => {
  const { closed, follow } = await serveForEver(t);
  const mine = new Error("mine");
  const loop = async () => {
    for await (const _ of follow()) {
      throw mine;
    }
  };
  await assert.rejects(loop, (error) => error === mine);
  await closed;
});

test("a body that does not know of the connection is closed as well", async () => {
  const cancelled = signpost();
  const stream = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(frame(STARTED))),
    cancel: cancelled.reach,
  });
  const { follow } = followFrom([new Response(stream, { headers: STREAM })]);
  const events = follow();
  assert.deepEqual((await events.next()).value, STARTED);
  await events.return();
  await cancelled.reached;
});

/** A following that comes to a place by itself, once these events have been given. */
interface Stoppable {
  follow: (options: { signal: AbortSignal }) => RunEvents;
  before: NumberedRunEvent[];
  reached: () => Promise<void>;
  closed?: Promise<void>;
}

/** A following that is there, and waits. */
interface Stopping {
  controller: AbortController;
  events: RunEvents;
  next: Promise<unknown>;
}

/** Until it waits for at most so many milliseconds. */
type UntilItWaits = (milliseconds: number) => Promise<void>;

/** The places where a following may be when it is stopped. */
const places: Record<string, (t: TestContext, waits: UntilItWaits) => Promise<Stoppable>> = {
  async "while it waits for an event"(t, waits) {
    const { closed, follow } = await serveForEver(t);
    return { follow, closed, before: [STARTED], reached: () => waits(SILENCE) };
  },
  async "while it waits for an answer"(t) {
    const { asked, closed, follow } = await serveForEver(t, () => {});
    return { follow, closed, before: [], reached: () => asked };
  },
  async "while it waits for a token"(t) {
    const asked = signpost();
    const { follow } = await serve(t, [], () => {
      asked.reach();
      return new Promise(() => {});
    });
    return { follow, before: [], reached: () => asked.reached };
  },
  async "while it waits to connect again"(t, waits) {
    const { follow } = await serve(t, [problem(503, { "Retry-After": "60" })]);
    return { follow, before: [], reached: () => waits(60_000) };
  },
};

for (const [place, come] of Object.entries(places)) {
  const stopped = async (t: TestContext, stop: (stopping: Stopping) => Promise<void>) => {
    const timers = watchTimers(t);
    const waits: UntilItWaits = (most) => until(() => [...timers.values()].includes(most));
    const { follow, before, reached, closed } = await come(t, waits);
    const controller = new AbortController();
    const events = follow({ signal: controller.signal });
    for (const event of before) {
      assert.deepEqual((await events.next()).value, event);
    }
    const next = events.next();
    await reached();
    await stop({ controller, events, next });
    await closed;
    assert.deepEqual(getEventListeners(controller.signal, "abort"), []);
    assert.deepEqual([...timers], []);
  };

  test(`an abort ${place} is thrown at once`, async (t) => {
    await stopped(t, async ({ controller, events, next }) => {
      const reason = new Error("mine");
      controller.abort(reason);
      await assert.rejects(next, (error) => error === reason);
      assert.deepEqual(await events.next(), DONE);
    });
  });

  test(`a return ${place} ends it at once`, async (t) => {
    await stopped(t, async ({ events, next }) => {
      assert.deepEqual(await events.return(), DONE);
      assert.deepEqual(await next, DONE);
    });
  });
}

test("an abort closes the connection while the caller is busy with an event", async (t) => {
  const { closed, follow } = await serveForEver(t, open(frames(EVENTS.slice(0, 3))));
  const controller = new AbortController();
  const events = follow({ signal: controller.signal });
  assert.deepEqual((await events.next()).value, STARTED);
  controller.abort();
  await closed;
  // What came in before is not given any more.
  await assert.rejects(events.next(), { name: "AbortError" });
});

test("a signal that was aborted before asks nothing", async (t) => {
  const { asked, follow } = await serve(t, [body(frames(EVENTS))]);
  const reason = new Error("mine");
  assert.deepEqual(await broken(follow({ signal: AbortSignal.abort(reason) })), [[], reason]);
  assert.deepEqual(asked, []);
});

test("what ended by itself leaves nothing behind", async (t) => {
  const [timers, listeners] = [watchTimers(t), watchListeners(t)];
  const { signal } = new AbortController();
  const cut = await serve(t, [body(`retry: 1\n\n${frame(STARTED)}`), body(frame(END))]);
  assert.deepEqual(await all(cut.follow({ signal })), [STARTED, END]);
  const refused = await serve(t, [problem(404)]);
  await problemOf(refused.follow({ signal }));
  const ended = await serve(t, [nothing]);
  assert.deepEqual(await all(ended.follow({ signal })), []);
  assert.deepEqual([...timers], []);
  assert.deepEqual([...listeners], []);
});
