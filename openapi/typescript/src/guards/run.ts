/** The guard of runs. */

import type { Run, RunError, Usage } from "../types.js";
import { type Guard, isBoolean, isInteger, isString, listOf, nullable, objectOf } from "./guard.js";
import { isToolCall } from "./tool-call.js";
import { isRunStatus } from "./words.js";

const isUsage = objectOf<Usage>({
  input_tokens: isInteger,
  output_tokens: isInteger,
  total_tokens: isInteger,
  cached_tokens: nullable(isInteger),
  estimated: isBoolean,
});

const isRunError = objectOf<RunError>({ code: isString, message: isString });

/** Whether it is an attempt to answer. */
export const isRun: Guard<Run> = objectOf<Run>({
  id: isString,
  conversation_id: isString,
  status: isRunStatus,
  user_message_id: nullable(isString),
  assistant_message_id: nullable(isString),
  model: nullable(isString),
  usage: nullable(isUsage),
  error: nullable(isRunError),
  tool_calls: listOf(isToolCall),
  created_at: isString,
  started_at: nullable(isString),
  ended_at: nullable(isString),
});
