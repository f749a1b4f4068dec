/** What `@hey-api/openapi-ts` makes of the document. */

import { ALL_KEPT, type Kept, type Same } from "./contract.js";
import * as api from "./generated/hey-api/index.js";
import { createClient } from "./generated/hey-api/client/index.js";

ALL_KEPT satisfies Kept<{
  Conversation: api.Conversation;
  ConversationList: api.ConversationList;
  CreateConversation: api.CreateConversation;
  FieldError: api.FieldError;
  Message: api.Message;
  MessageList: api.MessageList;
  Problem: api.Problem;
  Run: api.Run;
  RunError: api.RunError;
  SendMessage: api.SendMessage;
  ToolCall: api.ToolCall;
  Turn: api.Turn;
  UpdateConversation: api.UpdateConversation;
  Usage: api.Usage;
}>;

// Every status that a call can fail with has the same body.
true satisfies Same<api.SendMessageError, api.Problem>;
true satisfies Same<api.ListMessagesError, api.Problem>;

const client = createClient({ baseUrl: "https://chat.example.com", auth: () => "token" });

/** A page of the list; its problem is thrown. */
async function page(cursor: string | null): Promise<api.ConversationList> {
  const query = { limit: 100, ...(cursor === null ? {} : { cursor }) };
  const { data } = await api.listConversations({ client, query, throwOnError: true });
  return data;
}

/** Every title. */
export async function titles(): Promise<string[]> {
  const titles: string[] = [];
  let cursor: string | null = null;
  do {
    const { conversations, next_cursor } = await page(cursor);
    titles.push(...conversations.map((conversation) => conversation.title));
    cursor = next_cursor;
  } while (cursor !== null);
  return titles;
}

/** A new conversation's first answer. */
export async function ask(content: string): Promise<api.Message> {
  const created = await api.createConversation({ client, body: {}, throwOnError: true });
  const path = { conversation_id: created.data.id };
  const { data, error } = await api.sendMessage({ client, path, body: { content } });
  if (error !== undefined) {
    throw new Error(describe(error));
  }
  return data.assistant_message;
}

/** The messages after one. */
export async function poll(
  conversation_id: string,
  since: string,
  etag: string,
): Promise<api.MessageList | undefined> {
  const { data } = await api.listMessages({
    client,
    path: { conversation_id },
    query: { since },
    headers: { "If-None-Match": etag },
  });
  return data;
}

/** The problem of any operation is one type. */
function describe(problem: api.Problem): string {
  const fields = problem.errors?.map((error) => `${error.path}: ${error.message}`) ?? [];
  return [`${problem.status} ${problem.code}: ${problem.detail}`, ...fields].join("\n");
}

/** What a message shows, by who said it. */
export function render(message: api.Message): string {
  switch (message.role) {
    case "user":
      return `> ${message.content}`;
    case "assistant":
      return [message.content, ...(message.tool_calls?.map(describeCall) ?? [])].join("\n");
    default:
      // There is no third role.
      return message.role satisfies never;
  }
}

function describeCall(call: api.ToolCall): string {
  const time = call.execution_time_ms === null ? "" : ` in ${call.execution_time_ms} ms`;
  return `${call.tool_name}: ${call.error_message ?? call.status}${time}`;
}

export async function mistakes(message: api.Message): Promise<void> {
  const path = { conversation_id: "" };

  // @ts-expect-error: content is a string
  await api.sendMessage({ client, path, body: { content: 5 } });

  // @ts-expect-error: content is required
  await api.sendMessage({ client, path, body: {} });

  // @ts-expect-error: the conversation is named in the path
  await api.sendMessage({ client, body: { content: "" } });

  // @ts-expect-error: a number is not a title
  await api.createConversation({ client, body: { title: 1 } });

  // @ts-expect-error: a user has no tool calls, so they may be null
  message.tool_calls.length;
}
