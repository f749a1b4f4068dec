/** A run that is followed through connections that are cut: every event is given, and once. */

import assert from "node:assert/strict";

import type { NumberedRunEvent } from "@chatkit-rs/client";

import {
  all,
  type Answer,
  body,
  DELTA,
  END,
  EVENTS,
  frame,
  frames,
  lastIdOf,
  nothing,
  open,
  PATH,
  rest,
  serve,
  STARTED,
} from "./harness.js";
import { settle, signpost, test } from "./timing.js";

test("a run is followed to its end", async (t) => {
  const { asked, follow } = await serve(t, [rest]);
  assert.deepEqual(await all(follow()), EVENTS);
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.url, PATH);
  assert.equal(asked[0]?.headers.authorization, "Bearer token");
  assert.match(asked[0]?.headers.accept ?? "", /text\/event-stream/);
  assert.equal(asked[0]?.headers["last-event-id"], undefined);
});

test("nothing is asked before the first event is", async (t) => {
  const { asked, follow } = await serve(t, [body(frames(EVENTS))]);
  const events = follow();
  await settle();
  assert.deepEqual(asked, []);
  assert.deepEqual(await events.return(), { done: true, value: undefined });
  assert.deepEqual(await events.next(), { done: true, value: undefined });
  assert.deepEqual(asked, []);
});

test("a body that ends behind any event is gone on with", async (t) => {
  for (let sent = 0; sent < EVENTS.length; sent += 1) {
    const { lastIds, follow } = await serve(t, [
      body(`retry: 1\n\n${frames(EVENTS.slice(0, sent))}`),
      rest,
    ]);
    assert.deepEqual(await all(follow()), EVENTS);
    assert.deepEqual(lastIds(), [undefined, EVENTS[sent - 1]?.id.toString()]);
  }
});

test("a connection that is cut behind every event in turn is gone on with", async (t) => {
  const seen = EVENTS.map(signpost);
  const cutBehindNext: Answer = async (request, response) => {
    const next = EVENTS.findIndex(({ id }) => id > lastIdOf(request));
    open(`retry: 1\n\n${frames(EVENTS.slice(next, next + 1))}`)(request, response);
    await seen[next]?.reached;
    response.destroy();
  };
  const { lastIds, follow } = await serve(t, [cutBehindNext]);
  const given: NumberedRunEvent[] = [];
  for await (const event of follow()) {
    seen[given.push(event) - 1]?.reach();
  }
  assert.deepEqual(given, EVENTS);
  const ids = EVENTS.map(({ id }) => id.toString());
  assert.deepEqual(lastIds(), [undefined, ...ids.slice(0, -1)]);
});

test("a body that ends at any byte, also within a character, is gone on with", async (t) => {
  const bytes = new TextEncoder().encode(`retry: 1\n\n${frames(EVENTS)}`);
  let answer: Answer = rest;
  const { asked, follow } = await serve(t, [
    (request, response) => {
      answer(request, response);
      answer = rest;
    },
  ]);
  // The first bytes say that there is no need to wait; the last one ends the last event.
  for (let sent = 10; sent < bytes.length; sent += 1) {
    answer = body(bytes.subarray(0, sent));
    assert.deepEqual(await all(follow()), EVENTS, `cut at ${sent}`);
    assert.equal(asked.splice(0).length, 2);
  }
});

test("events that came before are not given again", async (t) => {
  // Some servers send all of it each time, out of order and twice.
  const { asked, follow } = await serve(t, [
    body(`retry: 1\n\n${frames(EVENTS.slice(0, 3))}`),
    body(frames([...EVENTS.slice(0, 5), STARTED, ...EVENTS.slice(2, 6)])),
    body(frames([...EVENTS, ...EVENTS])),
  ]);
  assert.deepEqual(await all(follow()), EVENTS);
  assert.equal(asked.length, 3);
});

test("events that are not known are passed over, and not asked for again", async (t) => {
  const unknown = (id: number) => `id: ${id}\nevent: run.paused\ndata: not JSON\n\n`;
  const unnamed = `id: 1003\ndata: {"type":"run.failed"}\n\n`;
  const inherited = `id: 1004\nevent: toString\ndata: {"type":"toString"}\n\n`;
  const unnumbered = `id: x\nevent: news\ndata: {}\n\n`;
  const { lastIds, follow } = await serve(t, [
    body(`retry: 1\n\n${unnumbered}${unknown(0)}${frame(STARTED)}${unknown(1002)}`),
    body(`${unnamed}${inherited}`),
    body(frame(END)),
  ]);
  assert.deepEqual(await all(follow()), [STARTED, END]);
  assert.deepEqual(lastIds(), [undefined, "1002", "1004"]);
});

test("what is known is neither asked for nor given", async (t) => {
  const { asked, lastIds, follow } = await serve(t, [
    body(`retry: 1\n\n${frames(EVENTS.slice(0, 2))}`),
    body(frames(EVENTS.slice(0, 4))),
    body(frames(EVENTS)),
  ]);
  assert.deepEqual(await all(follow({ after: 2 })), EVENTS.slice(2));
  assert.deepEqual(lastIds(), [undefined, undefined, "7"]);
  const urls = asked.map(({ url }) => url);
  assert.deepEqual(urls, [`${PATH}?after=2`, `${PATH}?after=2`, `${PATH}?after=2`]);

  const zero = await serve(t, [body(frames([{ ...STARTED, id: 0 }, END]))]);
  assert.deepEqual(await all(zero.follow({ after: 0 })), [END]);
  assert.equal(zero.asked[0]?.url, `${PATH}?after=0`);
});

test("where nothing is left to be sent it is over", async (t) => {
  const ended = await serve(t, [nothing]);
  assert.deepEqual(await all(ended.follow({ after: END.id })), []);
  assert.equal(ended.asked.length, 1);

  const cut = await serve(t, [body(`retry: 1\n\n${frame(DELTA)}`), nothing]);
  assert.deepEqual(await all(cut.follow()), [DELTA]);
  assert.deepEqual(cut.lastIds(), [undefined, "3"]);
});

test("each of the three ends is one, and nothing behind it is read", async (t) => {
  for (const type of ["run.completed", "run.failed", "run.cancelled"] as const) {
    const end = { ...END, type } as NumberedRunEvent;
    const { asked, follow } = await serve(t, [open(frames([STARTED, end, { ...DELTA, id: 2e6 }]))]);
    assert.deepEqual(await all(follow()), [STARTED, end]);
    assert.equal(asked.length, 1);
  }
});

test("with the end the connection is closed, whatever the caller does next", async (t) => {
  const closed = signpost();
  const { follow } = await serve(t, [
    (request, response) => {
      response.on("close", closed.reach);
      open(frame(END))(request, response);
    },
  ]);
  await follow().next();
  await closed.reached;
});
