/** A typed client for the REST API of `chatkit-server`. */

export { type ChatAdapter, chatAdapter } from "./adapter.js";
export {
  type CallOptions,
  type ChatClient,
  type ChatClientOptions,
  type ConversationQuery,
  createChatClient,
  type MessageQuery,
  type RunOptions,
} from "./client.js";
export type { FollowOptions, RunEvents } from "./follow.js";
export * from "./guards/conversation.js";
export type { Guard } from "./guards/guard.js";
export * from "./guards/message.js";
export * from "./guards/problem.js";
export * from "./guards/run.js";
export * from "./guards/run-event.js";
export * from "./guards/tool-call.js";
export * from "./guards/words.js";
export * from "./limits.js";
export { ChatProblem, isProblem, NETWORK_ERROR, UNREADABLE_RESPONSE } from "./problem.js";
export { isRunEnd, isRunEventOf, isRunEventType, type NumberedRunEvent } from "./run-event.js";
export type { components, operations, paths } from "./schema.js";
export type { Fetch, TokenSource } from "./transport.js";
export * from "./types.js";
