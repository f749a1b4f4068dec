/** How a stream is read, however it arrives. */

import assert from "node:assert/strict";

import { isProblem, type NumberedRunEvent } from "@chatkit-rs/client";

import {
  all,
  body,
  broken,
  DELTA,
  delta,
  END,
  EVENTS,
  followFrom,
  frame,
  frames,
  pieces,
  problemOf,
  serve,
  STARTED,
} from "./harness.js";
import { test } from "./timing.js";

test("a stream may arrive in any pieces", async () => {
  const text = `\uFEFF: \n\n${frames(EVENTS)}`.replaceAll("\n", "\r\n");
  const bytes = new TextEncoder().encode(text);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const answer = pieces([bytes.subarray(0, cut), "", bytes.subarray(cut)]);
    assert.deepEqual(await all(followFrom([answer]).follow()), EVENTS, `cut at ${cut}`);
  }
  const single = pieces(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)));
  assert.deepEqual(await all(followFrom([single]).follow()), EVENTS);
});

test("an event is given as soon as it is complete", async () => {
  for (const lineEnd of ["\n", "\r", "\r\n"]) {
    const text = frame(STARTED).replaceAll("\n", lineEnd);
    const { follow } = followFrom([pieces([text], false)]);
    const events = follow();
    assert.deepEqual(await events.next(), { done: false, value: STARTED });
    await events.return();
  }
});

/** What is sent as the data of a delta. */
function dataOf(text: string): string {
  const { id: _, ...data } = delta(0, text);
  return JSON.stringify(data);
}

test("a stream is read as the standard says", async () => {
  const [data, name] = [dataOf("a"), "event: message.delta"];
  const cases: Record<string, [string, ...NumberedRunEvent[]]> = {
    "lines end in three ways": [`id: 1\r${name}\r\ndata: ${data}\n\r`, delta(1, "a")],
    "two CR are two ends": [`id: 1\r${name}\rdata: ${data}\r\r`, delta(1, "a")],
    "an LF behind a CR that ends an event is of that CR": [
      `id: 1\r\n${name}\r\ndata: ${data}\r\n\r\nid: 2\r\n${name}\r\ndata: ${data}\r\n\r\n`,
      ...[delta(1, "a"), delta(2, "a")],
    ],
    "no space is needed behind the colon": [
      `id:1\nevent:message.delta\ndata:${data}\n\n`,
      delta(1, "a"),
    ],
    "only one space is not of the value": [`id: 1\nevent:  message.delta\ndata: ${data}\n\n`],
    "a value may hold colons": [`id: 1\n${name}\ndata: ${dataOf("a: b")}\n\n`, delta(1, "a: b")],
    "lines of data are joined, and one without a colon is an empty one": [
      `id: 1\n${name}\ndata: ${data.slice(0, 1)}\ndata\ndata:${data.slice(1)}\n\n`,
      delta(1, "a"),
    ],
    "a mark at the beginning is removed": [
      `\uFEFFid: 1\n${name}\ndata: ${data}\n\n`,
      delta(1, "a"),
    ],
    "comments, unknown fields and other spellings say nothing": [
      `:\n: id: 6\n:id: 7\nid: 1\nfoo: bar\n${name}\nID: 8\n id: 9\nData: 1\ndata: ${data}\n\n`,
      delta(1, "a"),
    ],
    "the last field of a name counts": [
      `event: run.failed\nid: 9\nid: 1\n${name}\ndata: ${data}\n\n`,
      delta(1, "a"),
    ],
    "an id that holds NUL is ignored": [
      `id: 1\nid: 2\0\n${name}\ndata: ${data}\n\n`,
      delta(1, "a"),
    ],
    "an event without data is none, and leaves no name behind": [
      `id: 1\n${name}\n\nid: 2\ndata: garbage\n\nid: 3\n${name}\ndata: ${data}\n\n`,
      delta(3, "a"),
    ],
    "an event without an id has the one before, and so is not new": [
      `id: 1\n${name}\ndata: ${data}\n\n${name}\ndata: ${dataOf("b")}\n\n`,
      delta(1, "a"),
    ],
    "many empty lines are no events": [
      `\n\n\nid: 1\n${name}\ndata: ${data}\n\n\n\n`,
      delta(1, "a"),
    ],
  };
  for (const [fact, [text, ...wanted]] of Object.entries(cases)) {
    const { follow } = followFrom([pieces([text, frame(END)])]);
    assert.deepEqual(await all(follow()), [...wanted, END], fact);
  }
});

test("what is not UTF-8 is replaced", async () => {
  const broken = Uint8Array.of(0x61, 0xff, 0xe2, 0x82, 0x62);
  const [begin, end] = frame(delta(1, "|")).split("|") as [string, string];
  const { follow } = followFrom([pieces([begin, broken, end, frame(END)])]);
  assert.deepEqual(await all(follow()), [delta(1, "a\uFFFD\uFFFDb"), END]);
});

test("what makes no sense is a problem", async (t) => {
  const name = "event: message.delta";
  const cut = dataOf("|").replace("|", "\ndata: ");
  const cases = {
    "no JSON": `id: 9\n${name}\ndata: {"type":\n\n`,
    "an end of line in a string": `id: 9\n${name}\ndata: ${cut}\n\n`,
    "no object": `id: 9\n${name}\ndata: "message.delta"\n\n`,
    null: `id: 9\n${name}\ndata: null\n\n`,
    "data that is one empty line": `id: 9\n${name}\ndata\n\n`,
    "another event": `id: 9\n${name}\ndata: {"type":"run.failed"}\n\n`,
    "no number": `id: abc\n${name}\ndata: ${dataOf("a")}\n\n`,
    "a number below zero": `id: -5\n${name}\ndata: ${dataOf("a")}\n\n`,
    "a mark that is not at the beginning": `\uFEFFid: 9\n${name}\ndata: ${dataOf("a")}\n\n`,
  };
  for (const [fact, text] of Object.entries(cases)) {
    const { asked, follow } = await serve(t, [body(`\uFEFF${text}`)]);
    const problem = await problemOf(follow());
    assert.equal(problem.code, "unreadable_response", fact);
    assert.ok(problem.cause instanceof SyntaxError, fact);
    assert.equal(asked.length, 1, fact);
  }
  const after = await serve(t, [body(`${frame(DELTA)}id: 9\n${name}\ndata: [\n\n${frame(END)}`)]);
  const [given, error] = await broken(after.follow());
  assert.deepEqual(given, [DELTA]);
  assert.ok(isProblem(error) && error.code === "unreadable_response");
});
