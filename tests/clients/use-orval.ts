/** What `orval` makes of the document. */

import { ALL_KEPT, type Kept } from "./contract.js";
import * as api from "./generated/orval/api.js";

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

const options: RequestInit = { headers: { Authorization: "Bearer token" } };

/** A page of the list. */
async function page(cursor: string | null): Promise<api.ConversationList> {
  const params = { limit: 100, ...(cursor === null ? {} : { cursor }) };
  const { status, data } = await api.listConversations(params, options);
  if (status !== 200) {
    throw new Error(describe(data));
  }
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
  const created = await api.createConversation({}, options);
  if (created.status !== 201) {
    throw new Error(describe(created.data));
  }
  const sent = await api.sendMessage(created.data.id, { content }, undefined, options);
  if (sent.status !== 201) {
    throw new Error(describe(sent.data));
  }
  return sent.data.assistant_message;
}

/** The messages after one, or `undefined` where nothing changed. */
export async function poll(
  conversationId: string,
  since: string,
  etag: string,
): Promise<api.MessageList | undefined> {
  const headers = { "If-None-Match": etag };
  const page = await api.listMessages(conversationId, { since }, headers, options);
  switch (page.status) {
    case 200:
      return page.data;
    case 304:
      return undefined;
    default:
      throw new Error(describe(page.data));
  }
}

/** The problem of any operation is one type. */
function describe(problem: api.Problem): string {
  const fields = problem.errors?.map((error) => `${error.path}: ${error.message}`) ?? [];
  return [`${problem.status} ${problem.code}: ${problem.detail}`, ...fields].join("\n");
}

/** What a message shows, by who said it. */
export function render(message: api.Message): string {
  switch (message.role) {
    case api.Role.user:
      return `> ${message.content}`;
    case api.Role.assistant:
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
  // @ts-expect-error: content is a string
  await api.sendMessage("", { content: 5 });

  // @ts-expect-error: content is required
  await api.sendMessage("", {});

  // @ts-expect-error: the conversation is named in the path
  await api.sendMessage({ content: "" });

  // @ts-expect-error: a number is not a title
  await api.createConversation({ title: 1 });

  // @ts-expect-error: a user has no tool calls, so they may be null
  message.tool_calls.length;
}
