/** Guards of the words by which the API tells one kind from another. */

import type {
  Feedback,
  IncompleteReason,
  MessageStatus,
  Role,
  RunStatus,
  ToolCallStatus,
} from "../types.js";
import { type Guard, wordOf } from "./guard.js";

/** Whether it says who said a message. */
export const isRole: Guard<Role> = wordOf<Role>({ user: true, assistant: true });

/** Whether it says if a message is complete. */
export const isMessageStatus: Guard<MessageStatus> = wordOf<MessageStatus>({
  completed: true,
  incomplete: true,
});

/** Whether it says why an answer is incomplete. */
export const isIncompleteReason: Guard<IncompleteReason> = wordOf<IncompleteReason>({
  cancelled: true,
  interrupted: true,
  failed: true,
  length: true,
  content_filter: true,
});

/** Whether it says where a run stands. */
export const isRunStatus: Guard<RunStatus> = wordOf<RunStatus>({
  queued: true,
  running: true,
  awaiting_approval: true,
  completed: true,
  failed: true,
  cancelled: true,
});

/** Whether it says where a tool call stands. */
export const isToolCallStatus: Guard<ToolCallStatus> = wordOf<ToolCallStatus>({
  awaiting_approval: true,
  running: true,
  success: true,
  error: true,
  denied: true,
  cancelled: true,
  unknown: true,
});

/** Whether it says how a user rated an answer. */
export const isFeedback: Guard<Feedback> = wordOf<Feedback>({ positive: true, negative: true });
