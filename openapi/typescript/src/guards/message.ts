/** Guards of messages, and of what comes with them. */

import type { BegunRun, Message, MessageList, Turn } from "../types.js";
import { type Guard, isBoolean, isInteger, isString, listOf, nullable, objectOf } from "./guard.js";
import { isRun } from "./run.js";
import { isToolCall } from "./tool-call.js";
import { isFeedback, isIncompleteReason, isMessageStatus, isRole } from "./words.js";

/** Whether it is a message, whoever said it. */
export const isMessage: Guard<Message> = objectOf<Message>({
  id: isString,
  conversation_id: isString,
  sequence_number: isInteger,
  role: isRole,
  content: isString,
  status: isMessageStatus,
  incomplete_reason: nullable(isIncompleteReason),
  reasoning: nullable(isString),
  tool_calls: nullable(listOf(isToolCall)),
  feedback: nullable(isFeedback),
  run_id: nullable(isString),
  model: nullable(isString),
  tokens_used: nullable(isInteger),
  created_at: isString,
});

/** Whether it is a page of a history. */
export const isMessageList: Guard<MessageList> = objectOf<MessageList>({
  conversation_id: isString,
  messages: listOf(isMessage),
  has_more: isBoolean,
  before_cursor: nullable(isString),
  reset: isBoolean,
  active_run: nullable(isRun),
});

/** Whether it is what was said and the answer, as `sendMessage` gives them. */
export const isTurn: Guard<Turn> = objectOf<Turn>({
  user_message: isMessage,
  assistant_message: isMessage,
  run: isRun,
});

/** Whether it is what was said and the run that answers it, as `startRun` gives them. */
export const isBegunRun: Guard<BegunRun> = objectOf<BegunRun>({
  user_message: isMessage,
  run: isRun,
});
