/** That our own client's guards say of any value what the document's schemas say of it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Ajv2020 } from "ajv/dist/2020.js";

import * as client from "@chatkit-rs/client";

import { at, DOCUMENT, isObject } from "../document.js";
import { mutationsOf, sampleOf, schemaOf } from "./samples.js";

/** Every guard of a schema, by the schema's name. */
const GUARDS: Record<string, client.Guard<unknown>> = {
  BegunRun: client.isBegunRun,
  Conversation: client.isConversation,
  ConversationList: client.isConversationList,
  Feedback: client.isFeedback,
  IncompleteReason: client.isIncompleteReason,
  Message: client.isMessage,
  MessageList: client.isMessageList,
  MessageStatus: client.isMessageStatus,
  Problem: client.isProblemDocument,
  Role: client.isRole,
  Run: client.isRun,
  RunEvent: client.isRunEvent,
  RunStatus: client.isRunStatus,
  ToolCall: client.isToolCall,
  ToolCallStatus: client.isToolCallStatus,
  Turn: client.isTurn,
};

/** The schemas of the single events, which one guard is for. */
const EVENTS = [
  ...["RunStarted", "MessageCreated", "MessageDelta", "ReasoningDelta", "ToolCallStarted"],
  ...["ToolCallCompleted", "MessageCompleted", "MessageRemoved", "RunCompleted", "RunFailed"],
  ...["RunCancelled"],
];

// What a text looks like that is an id or a time is not for guards to say.
const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false });
ajv.addSchema(DOCUMENT, "document");

/** What somebody else makes of a schema. */
function validatorOf(schema: string): (value: unknown) => boolean {
  const validate = ajv.compile({ $ref: `document#/components/schemas/${schema}` });
  return (value) => validate(value) === true;
}

/** That a guard and a schema agree on the sample of a schema and on all that is near it. */
function compare(guard: client.Guard<unknown>, schema: string, sampled = schema): void {
  const isValid = validatorOf(schema);
  const sample = sampleOf(schemaOf(sampled));
  assert.ok(isValid(sample), `the sample of ${sampled} is no ${schema}`);
  assert.ok(guard(sample), `the guard of ${schema} refuses ${JSON.stringify(sample)}`);
  let refused = 0;
  for (const [change, value] of mutationsOf(sample)) {
    const isWanted = isValid(value);
    assert.equal(guard(value), isWanted, `${schema}, where ${change}`);
    refused += isWanted ? 0 : 1;
  }
  assert.ok(refused > 0, `no change makes it another thing than ${schema}`);
}

for (const [schema, guard] of Object.entries(GUARDS)) {
  test(`the guard of ${schema} is as its schema`, () => compare(guard, schema));
}

for (const event of EVENTS) {
  test(`the guard of RunEvent is as the schema of ${event}`, () => {
    compare(client.isRunEvent, "RunEvent", event);
  });
}

test("every event of the document is among them", () => {
  const { oneOf } = schemaOf("RunEvent");
  assert.deepEqual(oneOf, EVENTS.map((name) => ({ $ref: `#/components/schemas/${name}` })));
});

test("every guard that has the name of a schema is among them", () => {
  const schemas = at("components", "schemas");
  assert.ok(isObject(schemas));
  // `isProblem` is of what is thrown, and stands here for the guard of documents.
  const guards = Object.keys(client).filter((name) => name.startsWith("is"));
  const names = guards.map((name) => name.slice(2)).filter((name) => Object.hasOwn(schemas, name));
  assert.deepEqual(names.sort(), Object.keys(GUARDS).sort());
});
