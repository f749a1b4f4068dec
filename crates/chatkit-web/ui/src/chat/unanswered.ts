/** Why a message has no answer. */

import type { Message, Run, ToolCall } from "@chatkit-rs/client";

import { sentence } from "../lib/problem-text";

export interface Unanswered {
  /** The user's message, which can be answered again. */
  messageId: string;

  text: string;

  /** What was done nevertheless. */
  toolCalls: readonly ToolCall[];
}

/** What to say below the last message of a run that has ended; `null` where it needs no words. */
export function explanation(run: Run, last: Message | undefined): Unanswered | null {
  const messageId = run.user_message_id ?? last?.id;
  if ((run.status !== "failed" && run.status !== "cancelled") || messageId === undefined) {
    return null;
  }
  if (last?.role === "assistant" && last.run_id === run.id) {
    // The part that was written says by itself that it is one.
    return null;
  }
  const text =
    run.status === "cancelled"
      ? "Stopped before anything was said."
      : sentence(run.error?.message ?? "The answer failed");
  return { messageId, text, toolCalls: last?.role === "user" ? run.tool_calls : [] };
}
