/** Guards of the events of a run, for a page that does not get them from `followRun`. */

import { isRunEventType, type NumberedRunEvent } from "../run-event.js";
import type { RunEvent, RunEventOf, RunEventType } from "../types.js";
import { type Guard, isObject, isString, objectOf } from "./guard.js";
import { isMessage } from "./message.js";
import { isRun } from "./run.js";
import { isToolCall } from "./tool-call.js";

/** What there is of an event besides its type. */
type Content<Type extends RunEventType> = Omit<RunEventOf<Type>, "type">;

const hasRun = objectOf<Content<"run.started">>({ run: isRun });
const hasMessage = objectOf<Content<"message.created">>({ message: isMessage });
const hasToolCall = objectOf<Content<"tool_call.started">>({ tool_call: isToolCall });
const hasMessageId = objectOf<Content<"message.removed">>({ message_id: isString });
const hasText = objectOf<Content<"message.delta">>({ message_id: isString, text: isString });

const CONTENTS: { readonly [Type in RunEventType]: Guard<Content<Type>> } = {
  "run.started": hasRun,
  "message.created": hasMessage,
  "message.delta": hasText,
  "reasoning.delta": hasText,
  "tool_call.started": hasToolCall,
  "tool_call.completed": hasToolCall,
  "message.completed": hasMessage,
  "message.removed": hasMessageId,
  "run.completed": hasRun,
  "run.failed": hasRun,
  "run.cancelled": hasRun,
};

/** Whether it is an event of a run, of a type that is known. */
export function isRunEvent(value: unknown): value is RunEvent {
  return isObject(value) && isRunEventType(value["type"]) && CONTENTS[value["type"]](value);
}

/** Whether it is an event with its number, as `followRun` gives it. */
export function isNumberedRunEvent(value: unknown): value is NumberedRunEvent {
  return isObject(value) && isNumber(value["id"]) && isRunEvent(value);
}

/** Whether events can have this number. */
function isNumber(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
