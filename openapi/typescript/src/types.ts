/** The schemas of the contract under their own names, and what tells one kind from another. */

import type { components } from "./schema.js";

type Schemas = components["schemas"];

export type BegunRun = Schemas["BegunRun"];
export type Conversation = Schemas["Conversation"];
export type ConversationList = Schemas["ConversationList"];
export type CreateConversation = Schemas["CreateConversation"];
export type Feedback = Schemas["Feedback"];
export type FieldError = Schemas["FieldError"];
export type IncompleteReason = Schemas["IncompleteReason"];
export type Info = Schemas["Info"];
export type Limits = Schemas["Limits"];
export type Message = Schemas["Message"];
export type MessageCompleted = Schemas["MessageCompleted"];
export type MessageCreated = Schemas["MessageCreated"];
export type MessageDelta = Schemas["MessageDelta"];
export type MessageList = Schemas["MessageList"];
export type MessageStatus = Schemas["MessageStatus"];
export type NewRun = Schemas["NewRun"];
export type Problem = Schemas["Problem"];
export type ReasoningDelta = Schemas["ReasoningDelta"];
export type Role = Schemas["Role"];
export type Run = Schemas["Run"];
export type RunCancelled = Schemas["RunCancelled"];
export type RunCompleted = Schemas["RunCompleted"];
export type RunError = Schemas["RunError"];
export type RunEvent = Schemas["RunEvent"];
export type RunFailed = Schemas["RunFailed"];
export type RunStarted = Schemas["RunStarted"];
export type RunStatus = Schemas["RunStatus"];
export type SendMessage = Schemas["SendMessage"];
export type ToolCall = Schemas["ToolCall"];
export type ToolCallCompleted = Schemas["ToolCallCompleted"];
export type ToolCallStarted = Schemas["ToolCallStarted"];
export type ToolCallStatus = Schemas["ToolCallStatus"];
export type Turn = Schemas["Turn"];
export type UpdateConversation = Schemas["UpdateConversation"];
export type Usage = Schemas["Usage"];

/** Which event of a run it is. */
export type RunEventType = RunEvent["type"];

/** The events of one type, or of some. */
export type RunEventOf<Type extends RunEventType> = Extract<RunEvent, { type: Type }>;

/** A run that has not ended. */
export type ActiveRun = Run & { status: "queued" | "running" | "awaiting_approval" };

/** A message that the user sent. */
export type UserMessage = Message & { role: "user" };

/** A message that the assistant answered with. */
export type AssistantMessage = Message & { role: "assistant" };

/** Whether the user said it. */
export function isUserMessage(message: Message): message is UserMessage {
  return message.role === "user";
}

/** Whether the assistant said it. */
export function isAssistantMessage(message: Message): message is AssistantMessage {
  return message.role === "assistant";
}

/** Whether a run is still to be followed, and can be stopped. */
export function isActiveRun(run: Run): run is ActiveRun {
  return IS_ACTIVE[run.status];
}

const IS_ACTIVE = {
  queued: true,
  running: true,
  awaiting_approval: true,
  completed: false,
  failed: false,
  cancelled: false,
} as const satisfies { [Status in RunStatus]: Status extends ActiveRun["status"] ? true : false };
