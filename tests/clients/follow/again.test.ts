/** When a server is asked again, how soon, and when no more. */

import assert from "node:assert/strict";

import { createChatClient, type Fetch, isProblem } from "@chatkit-rs/client";

import {
  all,
  body,
  broken,
  CREATED,
  DELTA,
  END,
  EVENTS,
  followFrom,
  frame,
  frames,
  ID,
  pieces,
  problem,
  problemOf,
  RUN,
  serve,
  STARTED,
  STREAM,
} from "./harness.js";
import { settle, signpost, SILENCE, skipWaits, test } from "./timing.js";

test("a server that is away is asked again, ever more rarely", async (t) => {
  const away = Array.from({ length: 7 }, () => undefined);
  for (const [random, wanted] of [
    [0, [1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]],
    [1, [2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]],
  ] as const) {
    const waits = skipWaits(t, random);
    const { asked, follow } = followFrom([...away, pieces([frames(EVENTS)])]);
    assert.deepEqual(await all(follow()), EVENTS);
    assert.equal(asked.length, 8);
    assert.deepEqual(waits, wanted);
    t.mock.restoreAll();
  }
});

test("the server says how long to wait at first", async (t) => {
  const waits = skipWaits(t);
  const { follow } = followFrom([
    pieces(["retry: 300\n\n"]),
    pieces([]),
    // These are no numbers.
    pieces(["retry: 5s\nretry:\nretry: 1.5\nretry: -1\nretry: 0x10\n\n"]),
    pieces(["retry: 70\n\n"]),
    // With nothing to double it would be asked as often as it can answer.
    ...[pieces(["retry: 0\n\n"]), pieces([])],
    ...[pieces(["retry: 99999999999999999999\n\n"]), pieces([frame(END)])],
  ]);
  assert.deepEqual(await all(follow()), [END]);
  assert.deepEqual(waits, [300, 600, 1200, 560, 16, 32, 15_000]);
});

test("a new event makes the next wait a first one", async (t) => {
  const waits = skipWaits(t);
  const { follow } = followFrom([
    ...[undefined, undefined, pieces([frame(STARTED)])],
    // This one came before, and says nothing of how the server is.
    ...[undefined, pieces([frame(STARTED)]), pieces([frame(CREATED)]), pieces([frame(END)])],
  ]);
  assert.deepEqual(await all(follow()), [STARTED, CREATED, END]);
  assert.deepEqual(waits, [1000, 2000, 1000, 2000, 4000, 1000]);
});

test("a server that is not well is asked again, not before it says", async (t) => {
  const waits = skipWaits(t);
  const retryAfter = (seconds: string) => ({ "Retry-After": seconds });
  const { asked, follow } = await serve(t, [
    problem(503, retryAfter("7")),
    problem(429, retryAfter("3")),
    // Less than it would wait anyway.
    problem(503, retryAfter("3")),
    problem(500),
    (_, response) => response.writeHead(502, { "Content-Type": "text/html" }).end("<html>"),
    (_, response) => response.destroy(),
    // More than a timer takes.
    problem(503, retryAfter("99999999999")),
    body(frames(EVENTS)),
  ]);
  assert.deepEqual(await all(follow()), EVENTS);
  assert.equal(asked.length, 8);
  assert.deepEqual(waits, [7000, 3000, 4000, 8000, 15_000, 15_000, 2 ** 31 - 1]);
});

test("the wait that a server asks for is waited", async (t) => {
  const { follow } = await serve(t, [problem(503, { "Retry-After": "1" }), body(frames(EVENTS))]);
  const start = performance.now();
  assert.deepEqual(await all(follow()), EVENTS);
  assert.ok(performance.now() - start > 990);
});

/** A response that is fed piece by piece; `awaited` is until the client waits for the next one. */
function fed() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let awaited = signpost();
  const stream = new ReadableStream<Uint8Array>(
    {
      start(it) {
        controller = it;
      },
      pull: () => awaited.reach(),
    },
    { highWaterMark: 0 },
  );
  return {
    response: new Response(stream, { headers: STREAM }),
    async awaited() {
      await awaited.reached;
      await settle();
    },
    send(text: string) {
      awaited = signpost();
      controller?.enqueue(new TextEncoder().encode(text));
    },
  };
}

test("a connection that falls silent is replaced, and one that gives a sign is not", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { response, awaited, send } = fed();
  const { asked, follow } = followFrom([response, pieces([frame(END)])]);
  const events = follow();
  const first = events.next();
  await awaited();
  t.mock.timers.tick(SILENCE - 1);
  send(": \n\n");
  await awaited();
  t.mock.timers.tick(SILENCE - 1);
  send(frame(STARTED));
  assert.deepEqual((await first).value, STARTED);
  // Nobody waits for it: only the caller is slow.
  t.mock.timers.tick(10 * SILENCE);
  const second = events.next();
  await awaited();
  t.mock.timers.tick(SILENCE - 1);
  await settle();
  assert.equal(asked[0]?.signal.aborted, false);
  t.mock.timers.tick(1);
  await settle();
  assert.equal(asked[0]?.signal.aborted, true);
  assert.equal(asked.length, 1);
  t.mock.timers.tick(2_000);
  assert.deepEqual((await second).value, END);
  assert.deepEqual(asked.map((it) => it.headers.get("Last-Event-ID")), [null, "1"]);
});

test("a server that does not answer is asked again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked: Request[] = [];
  const stuck = new ReadableStream();
  const answers = [
    new Promise<Response>(() => {}),
    new Response(stuck, { status: 404, headers: STREAM }),
    pieces([frame(END)]),
  ];
  const fetch: Fetch = async (request) => answers[asked.push(request) - 1] as Response;
  const client = createChatClient({ baseUrl: "http://server.test", fetch });
  const next = client.followRun(ID, RUN).next();
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    await settle();
    t.mock.timers.tick(SILENCE - 1);
    await settle();
    assert.equal(asked[attempt - 1]?.signal.aborted, false);
    t.mock.timers.tick(1);
    await settle();
    assert.equal(asked[attempt - 1]?.signal.aborted, true);
    t.mock.timers.tick(4_000);
  }
  assert.deepEqual((await next).value, END);
  assert.equal(asked.length, 3);
});

test("a token that has run out is replaced once, without waiting", async (t) => {
  const waits = skipWaits(t);
  let count = 0;
  const { asked, follow } = await serve(
    t,
    [
      ...[problem(401), body(frame(STARTED)), problem(401), body(""), problem(401)],
      ...[problem(503), problem(401), body(frame(END))],
    ],
    async () => `token-${(count += 1)}`,
  );
  const [given, error] = await broken(follow());
  assert.deepEqual(given, [STARTED]);
  assert.ok(isProblem(error) && error.status === 401);
  const tokens = asked.map((request) => request.headers.authorization);
  assert.deepEqual(tokens, [1, 2, 3, 4, 5, 6, 7].map((number) => `Bearer token-${number}`));
  assert.deepEqual(waits, [0, 1000, 0, 2000, 0, 4000]);
});

test("what a token function throws is the caller's own", async (t) => {
  const mine = new TypeError("signed out");
  const { asked, follow } = await serve(t, [body("")], () => {
    throw mine;
  });
  assert.deepEqual(await broken(follow()), [[], mine]);
  assert.deepEqual(asked, []);
});

test("a refusal is thrown, and nothing is asked again", async (t) => {
  for (const status of [400, 403, 404, 406, 422]) {
    const { asked, follow } = await serve(t, [problem(status)]);
    const error = await problemOf(follow());
    assert.equal(error.code, `code_${status}`);
    assert.equal(error.status, status);
    assert.equal(asked.length, 1);
  }
  const deleted = await serve(t, [body(`retry: 1\n\n${frame(DELTA)}`), problem(404)]);
  const [given, error] = await broken(deleted.follow());
  assert.deepEqual(given, [DELTA]);
  assert.ok(isProblem(error) && error.status === 404);
});

test("an answer that is no stream is a problem", async (t) => {
  for (const type of ["text/html", "application/json"]) {
    const { asked, follow } = await serve(t, [
      (_, response) => response.writeHead(200, { "Content-Type": type }).end("{}"),
    ]);
    assert.equal((await problemOf(follow())).code, "unreadable_response");
    assert.equal(asked.length, 1);
  }
  // Some that are no browsers give a body as a whole only.
  const { asked, follow } = followFrom([new Response(null, { headers: STREAM })]);
  assert.equal((await problemOf(follow())).code, "unreadable_response");
  assert.equal(asked.length, 1);
});
