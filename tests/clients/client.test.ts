/** What our own client does where there is no server to show it: with a `fetch` that is told. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { answering, clientOf, ID, problem, problemOf, recording } from "./harness.js";

const LIST = { conversations: [], next_cursor: null, has_more: false };

test("a token function is asked before every request", async () => {
  const sent: (string | null)[] = [];
  let count = 0;
  const client = clientOf(
    async (request) => {
      sent.push(request.headers.get("Authorization"));
      return answering(200, LIST)(request);
    },
    () => (count++ === 2 ? null : `token-${count}`),
  );
  await client.getConversations();
  await client.getConversations();
  await client.getConversations();
  assert.deepEqual(sent, ["Bearer token-1", "Bearer token-2", null]);
});

test("what a token function throws is the caller's own", async () => {
  const mine = new TypeError("signed out");
  const client = clientOf(answering(200, LIST), () => {
    throw mine;
  });
  await assert.rejects(client.getConversations(), (error) => error === mine);
});

test("what was not given is not sent", async () => {
  const sent: string[] = [];
  const client = clientOf(recording(sent, answering(200, LIST)));
  await client.getConversations({ limit: 5, cursor: null, q: "a & b" });
  await client.createConversation();
  await client.createConversation("Party");
  await client.getMessages(ID, { since: undefined, before: "cursor" });
  assert.deepEqual(sent, [
    "GET http://server.test/api/chat/conversations?limit=5&q=a%20%26%20b",
    "POST http://server.test/api/chat/conversations {}",
    'POST http://server.test/api/chat/conversations {"title":"Party"}',
    `GET http://server.test/api/chat/conversations/${ID}/messages?before=cursor`,
  ]);
});

test("a run is begun, read and stopped", async () => {
  const sent: string[] = [];
  const client = clientOf(recording(sent, answering(202, { id: "run" })));
  await client.startRun(ID, { content: "Hello" });
  await client.startRun(ID, { regenerate: "message" });
  assert.deepEqual(await client.getRun(ID, "run"), { id: "run" });
  assert.deepEqual(await client.cancelRun(ID, "run"), { id: "run" });
  const runs = `http://server.test/api/chat/conversations/${ID}/runs`;
  assert.deepEqual(sent, [
    `POST ${runs} {"content":"Hello"}`,
    `POST ${runs} {"regenerate":"message"}`,
    `GET ${runs}/run`,
    `POST ${runs}/run/cancel`,
  ]);
  const gone = answering(404, problem(404, "run_not_found"));
  assert.equal((await problemOf(clientOf(gone).getRun(ID, "run"))).code, "run_not_found");
  assert.equal((await problemOf(clientOf(gone).cancelRun(ID, "run"))).code, "run_not_found");
});

test("a problem document is thrown with all that it says", async () => {
  const errors = [{ path: "content", message: "must not be blank" }];
  const invalid = problem(422, "invalid_value", { errors });
  const error = await problemOf(clientOf(answering(422, invalid)).sendMessage(ID, " "));
  assert.equal(error.status, 422);
  assert.equal(error.code, "invalid_value");
  assert.equal(error.detail, "What went wrong");
  assert.equal(error.message, error.detail);
  assert.equal(error.requestId, "request-1");
  assert.deepEqual(error.errors, errors);
  assert.equal(error.retryAfter, undefined);

  const kept = { conversation_id: ID, user_message_id: "message", run_id: "run" };
  const failed = answering(503, problem(503, "model_overloaded", kept), { "Retry-After": "7" });
  const failure = await problemOf(clientOf(failed).sendMessage(ID, "Hello"));
  assert.equal(failure.conversationId, ID);
  assert.equal(failure.userMessageId, "message");
  assert.equal(failure.runId, "run");
  assert.equal(failure.activeRunId, undefined);
  assert.equal(failure.retryAfter, 7);
  assert.deepEqual(failure.errors, []);

  const busy = answering(409, problem(409, "run_active", { active_run_id: "other" }));
  const conflict = await problemOf(clientOf(busy).deleteConversation(ID));
  assert.equal(conflict.activeRunId, "other");
});

test("a proxy's date is a number of seconds", async () => {
  const date = new Date(Date.now() + 60_000).toUTCString();
  const answer = answering(503, problem(503, "unavailable"), { "Retry-After": date });
  const { retryAfter } = await problemOf(clientOf(answer).getConversations());
  assert.ok(retryAfter !== undefined && retryAfter > 55 && retryAfter <= 60, `${retryAfter}`);
});

test("what is not in the API's words is a problem too", async () => {
  const page = "<html>Bad Gateway</html>";
  const answers: [number, string | object, object?][] = [
    [502, page],
    [502, {}],
    [404, { detail: "Not Found" }],
    [401, ""],
    // A single-page application answers any path with its page.
    [200, page],
    [200, page, { "Content-Type": "application/json" }],
    [200, '{"conversations": [', { "Content-Type": "application/json" }],
  ];
  for (const [status, body, headers] of answers) {
    const answer = answering(status, body, headers);
    const error = await problemOf(clientOf(answer).getConversations());
    assert.equal(error.status, status);
    assert.equal(error.code, "unreadable_response");
  }
});

test("a page that should be there and is not is a problem", async () => {
  const client = clientOf(async () => new Response(null, { status: 204 }));
  assert.equal((await problemOf(client.getConversations())).code, "unreadable_response");
  // To delete, nothing is the answer.
  await client.deleteConversation(ID);
});

test("a server that is not there is a problem with status 0", async () => {
  const cause = new TypeError("fetch failed");
  const client = clientOf(async () => {
    throw cause;
  });
  const error = await problemOf(client.getConversations());
  assert.equal(error.status, 0);
  assert.equal(error.code, "network_error");
  assert.equal(error.cause, cause);
});

test("a body that breaks off is a problem", async () => {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"conversations": ['));
      controller.error(new TypeError("terminated"));
    },
  });
  const headers = { "Content-Type": "application/json" };
  const client = clientOf(async () => new Response(body, { headers }));
  assert.equal((await problemOf(client.getConversations())).code, "network_error");
});

test("an abort stays an abort", async () => {
  const controller = new AbortController();
  const client = clientOf(
    (request) =>
      new Promise((_, reject) => {
        request.signal.addEventListener("abort", () => reject(request.signal.reason));
      }),
  );
  const call = client.getMessages(ID, {}, { signal: controller.signal });
  // The request is sent once the token is there.
  setImmediate(() => controller.abort());
  await assert.rejects(call, { name: "AbortError" });
});

test("the typed calls give problems as values", async () => {
  const client = clientOf(answering(404, problem(404, "conversation_not_found")));
  const { data, error } = await client.api.GET("/api/chat/conversations/{conversation_id}", {
    params: { path: { conversation_id: ID } },
  });
  assert.equal(data, undefined);
  assert.equal(error?.code, "conversation_not_found");
});

test("a stream of events is not read ahead", async () => {
  const text = "event: run.started\ndata: {}\n\n";
  const client = clientOf(answering(200, text, { "Content-Type": "text/event-stream" }));
  const { response, data } = await client.api.GET("/api/info", { parseAs: "stream" });
  assert.equal(response.bodyUsed, false);
  assert.equal(await new Response(data).text(), text);
});
