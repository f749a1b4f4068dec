/** Our own client, as a page uses it. */

import {
  type ActiveRun,
  type ChatAdapter,
  chatAdapter,
  type ChatClient,
  type ChatClientOptions,
  type Conversation,
  createChatClient,
  DEFAULT_CONVERSATION_PAGE_SIZE,
  DEFAULT_MESSAGE_PAGE_SIZE,
  type Guard,
  isActiveRun,
  isAssistantMessage,
  isConversation,
  isMessage,
  isNumberedRunEvent,
  isProblem,
  isProblemDocument,
  isRole,
  isRun,
  isRunEnd,
  isRunEvent,
  isRunEventOf,
  isRunEventType,
  isToolCall,
  isUserMessage,
  MAX_IDEMPOTENCY_KEY_CHARS,
  MAX_MESSAGE_CHARS,
  MAX_PAGE_SIZE,
  MAX_SEARCH_CHARS,
  MAX_TITLE_CHARS,
  type Message,
  type MessageList,
  type NumberedRunEvent,
  type Problem,
  type Role,
  type Run,
  type RunEvent,
  type RunEventType,
  type ToolCall,
  type Turn,
} from "@chatkit-rs/client";

import type { Same } from "./contract.js";

/** A library that signs in, such as one that keeps short-lived tokens fresh. */
declare const session: { token(): Promise<string | null> };

export const client = createChatClient({
  baseUrl: "https://chat.example.com",
  token: () => session.token(),
});

// Each of these is one way to say who is calling.
({ baseUrl: "" }) satisfies ChatClientOptions;
({ baseUrl: "", token: "token" }) satisfies ChatClientOptions;
({ baseUrl: "", token: () => "token" }) satisfies ChatClientOptions;
({ baseUrl: "", token: async () => null }) satisfies ChatClientOptions;
({ baseUrl: "", fetch: globalThis.fetch }) satisfies ChatClientOptions;

// The limits are known to the compiler too.
10_000 satisfies typeof MAX_MESSAGE_CHARS;
200 satisfies typeof MAX_TITLE_CHARS;
100 satisfies typeof MAX_PAGE_SIZE;
20 satisfies typeof DEFAULT_CONVERSATION_PAGE_SIZE;
50 satisfies typeof DEFAULT_MESSAGE_PAGE_SIZE;
200 satisfies typeof MAX_SEARCH_CHARS;
255 satisfies typeof MAX_IDEMPOTENCY_KEY_CHARS;

/** What a chat component asks of its page. One that goes by pages takes the client itself. */
interface Component<Conversations, Messages> {
  getConversations(): Promise<Conversations>;
  createConversation(title?: string): Promise<Conversation>;
  updateConversationTitle(id: string, title: string): Promise<Conversation>;
  deleteConversation(id: string): Promise<void>;
  getMessages(id: string): Promise<Messages>;
  sendMessage(id: string, content: string): Promise<Turn>;
}

chatAdapter(client) satisfies Component<Conversation[], Message[]>;
client satisfies Component<{ conversations: Conversation[] }, { messages: Message[] }>;
true satisfies Same<keyof ChatAdapter, keyof Component<never, never>>;

/** What such a component is configured with. */
export const component = {
  adapter: chatAdapter(client),
  pollingInterval: 2_000,
  maxMessageLength: MAX_MESSAGE_CHARS,
};

/** Every conversation: a page's `next_cursor` is the next one's `cursor`. */
export async function all({ getConversations }: ChatClient): Promise<Conversation[]> {
  const conversations: Conversation[] = [];
  let cursor: string | null = null;
  do {
    const page = await getConversations({ limit: MAX_PAGE_SIZE, cursor });
    conversations.push(...page.conversations);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return conversations;
}

/** What is shown once the newest messages came in. */
export async function poll(id: string, shown: Message[], signal: AbortSignal): Promise<Message[]> {
  const page = await client.getMessages(id, { since: shown.at(-1)?.id }, { signal });
  return page.reset ? page.messages : [...shown, ...page.messages];
}

/** Sends what the user typed, and says what became of it. */
export async function submit(id: string, content: string): Promise<string> {
  try {
    const { assistant_message, run } = await client.sendMessage(id, content);
    run satisfies Run;
    return assistant_message.content;
  } catch (error) {
    if (!isProblem(error)) {
      throw error;
    }
    const wait: number | undefined = error.retryAfter;
    const isKept = error.userMessageId !== undefined;
    const fields = error.errors.map(({ path, message }) => `${path}: ${message}`);
    return [error.detail, ...fields, `kept: ${isKept}`, `wait: ${wait ?? 0} s`].join("\n");
  }
}

/** Sends what the user typed, and shows the answer as it is written. */
export async function stream(id: string, content: string, show: (text: string) => void) {
  const { run } = await client.startRun(id, { content });
  let text = "";
  for await (const event of client.followRun(id, run.id)) {
    text = written(text, event);
    show(text);
  }
}

/** The answer after one more event. What is handed on needs no number. */
function written(text: string, event: RunEvent): string {
  switch (event.type) {
    case "message.delta":
      return text + event.text;
    case "message.completed":
      event.message satisfies Message;
      return event.message.content;
    case "message.removed":
      return "";
    case "tool_call.started":
    case "tool_call.completed":
      event.tool_call satisfies ToolCall;
      return text;
    case "run.failed":
      return event.run.error?.message ?? text;
    case "message.created":
    case "reasoning.delta":
    case "run.started":
    case "run.completed":
    case "run.cancelled":
      return text;
    default:
      return event satisfies never;
  }
}

/** Goes on with a run behind what a page that was closed had seen of it. */
export async function resume(run: Run, after: number | undefined, signal: AbortSignal) {
  const seen: NumberedRunEvent[] = [];
  for await (const event of client.followRun(run.conversation_id, run.id, { after, signal })) {
    event.id satisfies number;
    seen.push(event);
  }
  return seen;
}

/** The first piece of an answer, and then no more. A run goes on until it is told otherwise. */
export async function taste({ followRun, cancelRun, getRun }: ChatClient, run: Run): Promise<Run> {
  const events = followRun(run.conversation_id, run.id);
  const first = await events.next();
  if (!first.done) {
    first.value.type satisfies RunEvent["type"];
  }
  await events.return();
  await cancelRun(run.conversation_id, run.id);
  return getRun(run.conversation_id, run.id);
}

/** What a page kept, unless an older version of it kept something else. */
export function kept<T>(text: string | null, isKept: Guard<T>): T | undefined {
  const value: unknown = text === null ? undefined : JSON.parse(text);
  return isKept(value) ? value : undefined;
}

true satisfies Same<ReturnType<typeof kept<Message>>, Message | undefined>;
kept("{}", isConversation)?.title satisfies string | undefined;
kept("{}", isNumberedRunEvent)?.id satisfies number | undefined;

/** What another window says, of which nothing is known. */
export function receive(value: unknown): string {
  if (isMessage(value)) {
    true satisfies Same<typeof value, Message>;
    return render(value);
  }
  if (isRun(value)) {
    true satisfies Same<typeof value, Run>;
    return isActiveRun(value) ? active(value) : value.status;
  }
  if (isToolCall(value)) {
    true satisfies Same<typeof value, ToolCall>;
    return value.tool_name;
  }
  if (isProblemDocument(value)) {
    true satisfies Same<typeof value, Problem>;
    return value.detail;
  }
  if (isRole(value)) {
    true satisfies Same<typeof value, Role>;
    return value;
  }
  return Array.isArray(value) && value.every(isMessage) ? value.map(render).join("\n") : "";
}

/** Why a page shows that something is still to come. */
function active({ status }: ActiveRun): string {
  switch (status) {
    case "queued":
    case "running":
      return "It is being answered";
    case "awaiting_approval":
      return "It waits for you";
    default:
      return status satisfies never;
  }
}

/** What an `EventSource` brings, which knows nothing of types. */
export function listen(source: EventSource, type: string, show: (event: RunEvent) => void) {
  if (!isRunEventType(type)) {
    return;
  }
  true satisfies Same<typeof type, RunEventType>;
  source.addEventListener(type, ({ data }: MessageEvent<string>) => {
    const event: unknown = JSON.parse(data);
    if (isRunEvent(event)) {
      true satisfies Same<typeof event, RunEvent>;
      show(event);
      if (isRunEnd(event)) {
        event.run satisfies Run;
        source.close();
      }
    }
  });
}

/** All that an answer consists of, once it is complete. */
export function summarise(events: NumberedRunEvent[]): string {
  const deltas = events.filter(isRunEventOf("message.delta"));
  const calls = events.filter(isRunEventOf("tool_call.started", "tool_call.completed"));
  const end = events.find(isRunEnd);
  end?.id satisfies number | undefined;
  end?.type satisfies "run.completed" | "run.failed" | "run.cancelled" | undefined;
  const names = calls.map(({ tool_call }) => tool_call.tool_name);
  return [...deltas.map(({ text }) => text), ...names, end?.run.status].join(" ");
}

/** Has a message answered again. */
export async function again({ conversation_id, id }: Message): Promise<Run> {
  return (await client.startRun(conversation_id, { regenerate: id })).run;
}

/** What a message shows, by who said it. */
export function render(message: Message): string {
  if (isUserMessage(message)) {
    message.role satisfies "user";
    return `> ${message.content}`;
  }
  if (isAssistantMessage(message)) {
    message.role satisfies "assistant";
    const calls: ToolCall[] = message.tool_calls ?? [];
    return [message.content, ...calls.map((call) => `${call.tool_name} ${call.status}`)].join("\n");
  }
  return "";
}

/** What the few methods do not cover is there as well, with the problem as a value. */
export async function restore(conversation_id: string): Promise<Conversation | undefined> {
  const { data, error } = await client.api.POST(
    "/api/chat/conversations/{conversation_id}/restore",
    { params: { path: { conversation_id } } },
  );
  error?.code satisfies string | undefined;
  return data;
}

true satisfies Same<Awaited<ReturnType<ChatClient["getMessages"]>>, MessageList>;
true satisfies Same<Message["tool_calls"], ToolCall[] | null>;
true satisfies Same<MessageList["active_run"], Run | null>;
true satisfies Same<Conversation["title"], string>;

export async function mistakes(message: Message, run: Run, event: RunEvent): Promise<void> {
  // @ts-expect-error: content is a string
  await client.sendMessage("", 5);

  // @ts-expect-error: the conversation is named first
  await client.sendMessage("content");

  // @ts-expect-error: null is not a title
  await client.createConversation(null);

  // @ts-expect-error: a limit is a number
  await client.getConversations({ limit: "20" });

  // @ts-expect-error: messages have no offset
  await client.getMessages("", { offset: 5 });

  // @ts-expect-error: a token is no number
  createChatClient({ baseUrl: "", token: 5 });

  // @ts-expect-error: the server has to be named
  createChatClient({ token: "" });

  // @ts-expect-error: a user has no tool calls, so they may be null
  message.tool_calls.length;

  // @ts-expect-error: there is no such status
  run.status === "done";

  // @ts-expect-error: what a run is to answer has a name
  await client.startRun("", "content");

  // @ts-expect-error: a run is followed in its conversation
  client.followRun("");

  // @ts-expect-error: events have numbers
  client.followRun("", "", { after: "5" });

  // @ts-expect-error: events are awaited
  for (const _ of client.followRun("", "")) break;

  // @ts-expect-error: not every event has text
  event.text;

  // @ts-expect-error: there is no such event
  event.type === "message.updated";

  // @ts-expect-error: an adapter knows nothing of pages
  await chatAdapter(client).getMessages("", { limit: 5 });

  // @ts-expect-error: there is no such event to tell from others
  isRunEventOf("message.updated");

  // @ts-expect-error: a guard is of one type
  kept<Message>("", isRun);

  // @ts-expect-error: what was thrown is not known to be a problem
  await client.deleteConversation("").catch((error: unknown) => error.status);
}
