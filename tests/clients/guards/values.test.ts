/** What our own client's guards say of what is no JSON, and what else tells kinds apart. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as client from "@chatkit-rs/client";

import { sampleOf, schemaOf } from "./samples.js";

const message = sampleOf(schemaOf("Message")) as client.Message;
const run = sampleOf(schemaOf("Run")) as client.Run;
const call = sampleOf(schemaOf("ToolCall")) as client.ToolCall;

/** Whatever a message event may bring that is none of ours. */
const STRANGE = [
  ...[undefined, Symbol("symbol"), 1n, Number.NaN, Number.POSITIVE_INFINITY, () => message],
  ...[new Date(), new Map(Object.entries(message)), new Error("message"), Object.create(null)],
  ...[new String("user"), [message], JSON.stringify(message), class {}, new Uint8Array(8)],
];

const GUARDS: [string, (value: unknown) => boolean][] = [
  ["isBegunRun", client.isBegunRun],
  ["isConversation", client.isConversation],
  ["isConversationList", client.isConversationList],
  ["isFeedback", client.isFeedback],
  ["isIncompleteReason", client.isIncompleteReason],
  ["isMessage", client.isMessage],
  ["isMessageList", client.isMessageList],
  ["isMessageStatus", client.isMessageStatus],
  ["isNumberedRunEvent", client.isNumberedRunEvent],
  ["isProblem", client.isProblem],
  ["isProblemDocument", client.isProblemDocument],
  ["isRole", client.isRole],
  ["isRun", client.isRun],
  ["isRunEvent", client.isRunEvent],
  ["isRunEventType", client.isRunEventType],
  ["isRunStatus", client.isRunStatus],
  ["isToolCall", client.isToolCall],
  ["isToolCallStatus", client.isToolCallStatus],
  ["isTurn", client.isTurn],
];

test("what is strange is nothing of ours, and nothing is thrown", () => {
  for (const [name, guard] of GUARDS) {
    for (const value of STRANGE) {
      assert.equal(guard(value), false, `${name} of ${typeof value}`);
    }
  }
});

test("a member that is there without a value is missing", () => {
  for (const name of Object.keys(message)) {
    assert.equal(client.isMessage({ ...message, [name]: undefined }), false, name);
  }
  assert.equal(client.isToolCall({ ...call, result: undefined }), false);
  const problem = sampleOf(schemaOf("Problem")) as client.Problem;
  assert.ok(client.isProblemDocument({ ...problem, errors: undefined }));
});

test("a tool may have taken and given anything", () => {
  for (const result of [null, 0, "", [], {}, [[{ a: null }]], false]) {
    assert.ok(client.isToolCall({ ...call, result, arguments: { result } }));
  }
});

test("a guard may be passed on as it is", () => {
  assert.ok([message, message].every(client.isMessage));
  assert.deepEqual([message, call, null].filter(client.isToolCall), [call]);
  assert.deepEqual(["user", "system", "assistant"].filter(client.isRole), ["user", "assistant"]);
});

test("a numbered event has a number that events can have", () => {
  const event = { type: "message.delta", message_id: "1", text: "Hello" };
  assert.ok(client.isRunEvent(event));
  assert.equal(client.isNumberedRunEvent(event), false);
  for (const id of [0, 1, 1_000_010, Number.MAX_SAFE_INTEGER]) {
    assert.ok(client.isNumberedRunEvent({ ...event, id }), `${id}`);
  }
  for (const id of [-1, 1.5, "1", null, undefined, Number.NaN, 2 ** 53]) {
    assert.equal(client.isNumberedRunEvent({ ...event, id }), false, `${id}`);
  }
  assert.equal(client.isNumberedRunEvent({ id: 1, type: "message.updated" }), false);
});

test("events are told from one another by their types", () => {
  const events: client.NumberedRunEvent[] = [
    { id: 1, type: "run.started", run },
    { id: 2, type: "message.delta", message_id: "1", text: "Hel" },
    { id: 3, type: "message.delta", message_id: "1", text: "lo" },
    { id: 4, type: "tool_call.started", tool_call: call },
    { id: 5, type: "tool_call.completed", tool_call: call },
    { id: 6, type: "run.completed", run },
  ];
  assert.ok(events.every(client.isNumberedRunEvent));
  const deltas = events.filter(client.isRunEventOf("message.delta"));
  assert.equal(deltas.map(({ text }) => text).join(""), "Hello");
  const calls = events.filter(client.isRunEventOf("tool_call.started", "tool_call.completed"));
  assert.deepEqual(calls.map(({ id, tool_call }) => [id, tool_call]), [[4, call], [5, call]]);
  assert.deepEqual(events.filter(client.isRunEventOf()), []);
  assert.equal(events.find(client.isRunEnd)?.run, run);
});

test("a run ends with three events, and stands at three ends", () => {
  const isKnown = ["run.started", "message.updated", "constructor"].map(client.isRunEventType);
  assert.deepEqual(isKnown, [true, false, false]);
  const ends = (["completed", "failed", "cancelled"] as const).map((status) => {
    assert.ok(client.isRunEnd({ type: `run.${status}`, run }));
    return client.isActiveRun({ ...run, status });
  });
  assert.deepEqual(ends, [false, false, false]);
  assert.equal(client.isRunEnd({ type: "message.completed", message }), false);
  for (const status of ["queued", "running", "awaiting_approval"] as const) {
    assert.ok(client.isActiveRun({ ...run, status }), status);
  }
});

test("roles are told apart", () => {
  assert.ok(client.isUserMessage({ ...message, role: "user" }));
  assert.ok(client.isAssistantMessage({ ...message, role: "assistant" }));
  assert.equal(client.isAssistantMessage({ ...message, role: "user" }), false);
});
