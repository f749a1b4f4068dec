/** The guard of tool calls. */

import type { ToolCall } from "../types.js";
import {
  type Guard,
  isInteger,
  isObject,
  isPresent,
  isString,
  nullable,
  objectOf,
} from "./guard.js";
import { isToolCallStatus } from "./words.js";

/** Whether it is one use of a tool. What the tool took and gave may be anything. */
export const isToolCall: Guard<ToolCall> = objectOf<ToolCall>({
  id: isString,
  tool_name: isString,
  arguments: isObject,
  arguments_text: nullable(isString),
  result: isPresent,
  status: isToolCallStatus,
  error_message: nullable(isString),
  execution_time_ms: nullable(isInteger),
  timestamp: isString,
  content_offset: nullable(isInteger),
});
