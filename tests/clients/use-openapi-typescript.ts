/** What `openapi-typescript` makes of the document, used through `openapi-fetch`. */

import createClient from "openapi-fetch";

import { ALL_KEPT, type Kept } from "./contract.js";
import type { components, paths } from "./generated/openapi-typescript/schema.js";

type Schemas = components["schemas"];

ALL_KEPT satisfies Kept<Schemas>;

const client = createClient<paths>({
  baseUrl: "https://chat.example.com",
  headers: { Authorization: "Bearer token" },
});

/** A page of the list. */
async function page(cursor: string | null): Promise<Schemas["ConversationList"]> {
  const query = { limit: 100, ...(cursor === null ? {} : { cursor }) };
  const { data, error } = await client.GET("/api/chat/conversations", { params: { query } });
  if (error) {
    throw new Error(describe(error));
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
export async function ask(content: string): Promise<Schemas["Message"]> {
  const created = await client.POST("/api/chat/conversations", { body: {} });
  if (created.error) {
    throw new Error(describe(created.error));
  }
  const path = { conversation_id: created.data.id };
  const { data, error } = await client.POST(
    "/api/chat/conversations/{conversation_id}/messages",
    { params: { path }, body: { content } },
  );
  if (error) {
    throw new Error(describe(error));
  }
  return data.assistant_message;
}

/** The messages after one, or `undefined` where nothing changed. */
export async function poll(conversation_id: string, since: string, etag: string) {
  const { data, response } = await client.GET(
    "/api/chat/conversations/{conversation_id}/messages",
    {
      params: {
        path: { conversation_id },
        query: { since },
        header: { "If-None-Match": etag },
      },
    },
  );
  return response.status === 304 ? undefined : data;
}

/** The problem of any operation is one type. */
function describe(problem: Schemas["Problem"]): string {
  const fields = problem.errors?.map((error) => `${error.path}: ${error.message}`) ?? [];
  return [`${problem.status} ${problem.code}: ${problem.detail}`, ...fields].join("\n");
}

/** What a message shows, by who said it. */
export function render(message: Schemas["Message"]): string {
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

function describeCall(call: Schemas["ToolCall"]): string {
  const time = call.execution_time_ms === null ? "" : ` in ${call.execution_time_ms} ms`;
  return `${call.tool_name}: ${call.error_message ?? call.status}${time}`;
}

export async function mistakes(message: Schemas["Message"]): Promise<void> {
  const messages = "/api/chat/conversations/{conversation_id}/messages";
  const params = { path: { conversation_id: "" } };

  // @ts-expect-error: content is a string
  await client.POST(messages, { params, body: { content: 5 } });

  // @ts-expect-error: content is required
  await client.POST(messages, { params, body: {} });

  // @ts-expect-error: the conversation is named in the path
  await client.POST(messages, { body: { content: "" } });

  // @ts-expect-error: there is no such path
  await client.GET("/api/chat/conversation");

  // @ts-expect-error: a number is not a title
  await client.POST("/api/chat/conversations", { body: { title: 1 } });

  // @ts-expect-error: a user has no tool calls, so they may be null
  message.tool_calls.length;

  // @ts-expect-error: what a tool gave back must be looked at first
  message.tool_calls?.[0]?.result.task;

  // @ts-expect-error: there is no such role
  message.role === "system";
}
