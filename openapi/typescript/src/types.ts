/** The schemas of the contract under their own names, and what tells one kind from another. */

import type { components } from "./schema.js";

type Schemas = components["schemas"];

export type BegunRun = Schemas["BegunRun"];
export type Conversation = Schemas["Conversation"];
export type ConversationList = Schemas["ConversationList"];
export type CreateConversation = Schemas["CreateConversation"];
export type Feedback = Schemas["Feedback"];
export type FieldError = Schemas["FieldError"];
export type Info = Schemas["Info"];
export type Limits = Schemas["Limits"];
export type Message = Schemas["Message"];
export type MessageList = Schemas["MessageList"];
export type MessageStatus = Schemas["MessageStatus"];
export type NewRun = Schemas["NewRun"];
export type Problem = Schemas["Problem"];
export type Role = Schemas["Role"];
export type Run = Schemas["Run"];
export type RunError = Schemas["RunError"];
export type RunStatus = Schemas["RunStatus"];
export type SendMessage = Schemas["SendMessage"];
export type ToolCall = Schemas["ToolCall"];
export type ToolCallStatus = Schemas["ToolCallStatus"];
export type Turn = Schemas["Turn"];
export type UpdateConversation = Schemas["UpdateConversation"];
export type Usage = Schemas["Usage"];

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
