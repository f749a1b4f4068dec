/**
 * Our own client against a running server that answers by its built-in rules:
 * `npm run live -- <base-url> <token>`.
 */

import assert from "node:assert/strict";

import {
  chatAdapter,
  ChatProblem,
  createChatClient,
  isAssistantMessage,
  isBegunRun,
  isConversation,
  isConversationList,
  isMessageList,
  isNumberedRunEvent,
  isProblem,
  isProblemDocument,
  isRun,
  isTurn,
  isUserMessage,
  MAX_MESSAGE_CHARS,
  MAX_PAGE_SIZE,
  MAX_TITLE_CHARS,
  type NumberedRunEvent,
  type RunEvents,
} from "@chatkit-rs/client";

const [baseUrl, token] = process.argv.slice(2);
if (!baseUrl || !token) {
  console.error("usage: npm run live -- <base-url> <token>");
  process.exit(2);
}

const MESSAGES = "/api/chat/conversations/{conversation_id}/messages";

const client = createChatClient({ baseUrl, token: async () => token });

/** The problem that a call must end with. */
async function problemOf(call: Promise<unknown>, status: number): Promise<ChatProblem> {
  const error = await call.then(
    () => assert.fail(`the call was carried out, not refused with ${status}`),
    (error: unknown) => error,
  );
  assert.ok(isProblem(error), `no problem: ${error}`);
  assert.equal(error.status, status, `${error.code}: ${error.detail}`);
  assert.ok(error.requestId, "a problem names its request");
  return error;
}

/** Everything that is given up to the end. */
async function all(events: RunEvents): Promise<NumberedRunEvent[]> {
  const given: NumberedRunEvent[] = [];
  for await (const event of events) {
    given.push(event);
  }
  return given;
}

/** One part of the tour; what it prints says how far it came. */
async function step<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    const result = await act();
    console.log(`ok: ${name}`);
    return result;
  } catch (error) {
    console.error(`failed: ${name}`);
    throw error;
  }
}

const { id } = await step("create a conversation", async () => {
  const conversation = await client.createConversation();
  assert.equal(conversation.title, "New Conversation");
  assert.equal(conversation.message_count, 0);
  assert.match(conversation.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  return conversation;
});

const turn = await step("send a message and see the tool that it led to", async () => {
  const turn = await client.sendMessage(id, "Add a task to buy groceries");
  assert.ok(isUserMessage(turn.user_message));
  assert.equal(turn.user_message.content, "Add a task to buy groceries");
  assert.equal(turn.user_message.tool_calls, null);
  assert.ok(isAssistantMessage(turn.assistant_message));
  assert.equal(turn.assistant_message.status, "completed");
  assert.equal(turn.run.status, "completed");
  assert.equal(turn.run.user_message_id, turn.user_message.id);
  assert.equal(turn.run.assistant_message_id, turn.assistant_message.id);

  const [call, ...others] = turn.assistant_message.tool_calls ?? [];
  assert.ok(call, "a tool was called");
  assert.deepEqual(others, []);
  assert.equal(call.tool_name, "add_task");
  assert.equal(call.status, "success");
  assert.match(String(call.arguments["title"]), /groceries/i);
  assert.equal(call.arguments_text, null);
  assert.equal(call.error_message, null);
  return turn;
});

await step("see that the limits are the server's", async () => {
  const { limits } = await client.getInfo();
  assert.equal(limits.message_chars, MAX_MESSAGE_CHARS);
  assert.equal(limits.title_chars, MAX_TITLE_CHARS);
  assert.equal(limits.page_size, MAX_PAGE_SIZE);
});

await step("list the messages", async () => {
  const page = await client.getMessages(id);
  assert.equal(page.conversation_id, id);
  assert.deepEqual(page.messages, [turn.user_message, turn.assistant_message]);
  assert.equal(page.has_more, false);
  assert.equal(page.reset, false);
  assert.equal(page.active_run, null);
});

await step("list the messages after one, and after one that never was", async () => {
  const after = await client.getMessages(id, { since: turn.user_message.id });
  assert.deepEqual(after.messages, [turn.assistant_message]);
  assert.equal(after.reset, false);

  const time = await client.getMessages(id, { since: turn.user_message.created_at });
  assert.deepEqual(time.messages, [turn.assistant_message]);

  const none = await client.getMessages(id, { since: turn.assistant_message.id });
  assert.deepEqual(none.messages, []);

  const foreign = await client.getMessages(id, { since: id });
  assert.equal(foreign.reset, true);
  assert.equal(foreign.messages.length, 2);
});

await step("read older messages page by page", async () => {
  const newest = await client.getMessages(id, { limit: 1 });
  assert.deepEqual(newest.messages, [turn.assistant_message]);
  assert.equal(newest.has_more, true);
  const older = await client.getMessages(id, { limit: 1, before: newest.before_cursor });
  assert.deepEqual(older.messages, [turn.user_message]);
  assert.equal(older.has_more, false);
  assert.equal(older.before_cursor, null);
});

const etag = await step("ask only for what changed", async () => {
  const path = { conversation_id: id };
  const first = await client.api.GET(MESSAGES, { params: { path } });
  const etag = first.response.headers.get("ETag");
  assert.ok(etag, "an answer has an ETag");
  const header = { "If-None-Match": etag };
  const second = await client.api.GET(MESSAGES, { params: { path, header } });
  assert.equal(second.response.status, 304);
  assert.equal(second.data, undefined);
  return etag;
});

await step("see what changed", async () => {
  await client.sendMessage(id, "List my tasks");
  const path = { conversation_id: id };
  const header = { "If-None-Match": etag };
  const { response, data } = await client.api.GET(MESSAGES, {
    params: { path, header, query: { since: turn.assistant_message.id } },
  });
  assert.equal(response.status, 200);
  assert.equal(data?.messages.length, 2);
  assert.notEqual(response.headers.get("ETag"), etag);
});

await step("find the conversation in the list", async () => {
  const page = await client.getConversations({ q: "buy groceries", limit: 1 });
  assert.equal(page.conversations[0]?.id, id);
  assert.equal(page.conversations[0]?.message_count, 4);
  assert.equal(page.conversations[0]?.title, "Add a task to buy groceries");
});

await step("call for one user alone", async () => {
  const { user_id } = await client.getInfo();
  const mine = createChatClient({ baseUrl, token, expectedUser: user_id });
  assert.equal((await mine.getConversation(id)).id, id);
  const another = createChatClient({ baseUrl, token, expectedUser: `${user_id}ä` });
  assert.equal((await problemOf(another.sendMessage(id, "As somebody else"), 403)).code, "other_user");
  assert.equal((await client.getConversation(id)).message_count, 4);
});

await step("send under a key, and the same again: it is said once", async () => {
  const { id } = await client.createConversation();
  const key = { idempotencyKey: `once-${id}` };
  const turn = await client.sendMessage(id, "Say it once", key);
  assert.deepEqual(await client.sendMessage(id, "Say it once", key), turn);
  const begun = await client.startRun(id, { content: "And this" }, { idempotencyKey: `twice-${id}` });
  const again = await client.startRun(id, { content: "And this" }, { idempotencyKey: `twice-${id}` });
  assert.equal(again.run.id, begun.run.id);
  await all(client.followRun(id, begun.run.id));
  assert.equal((await client.getConversation(id)).message_count, 4);
  await client.deleteConversation(id);
});

await step("rate an answer, and take the rating back", async () => {
  const answer = turn.assistant_message.id;
  const rating = async () => {
    const { messages } = await client.getMessages(id);
    return messages.find((message) => message.id === answer)?.feedback;
  };
  await client.rateMessage(id, answer, "positive");
  assert.equal(await rating(), "positive");
  await client.rateMessage(id, answer, null);
  assert.equal(await rating(), null);
  await problemOf(client.rateMessage(id, turn.user_message.id, "negative"), 422);
});

await step("delete a conversation, and bring it back", async () => {
  const { id } = await client.createConversation("Lost and found");
  await client.deleteConversation(id);
  await problemOf(client.getConversation(id), 404);
  assert.equal((await client.restoreConversation(id)).title, "Lost and found");
  assert.equal((await client.getConversation(id)).title, "Lost and found");
  await client.deleteConversation(id);
});

await step("do the same by the six functions of a component", async () => {
  const adapter = chatAdapter(client);
  const conversation = await adapter.createConversation("A component's");
  const conversations = await adapter.getConversations();
  assert.deepEqual(conversations.slice(0, 2).map(({ id }) => id), [conversation.id, id]);
  const { user_message, assistant_message } = await adapter.sendMessage(conversation.id, "Hello");
  const messages = await adapter.getMessages(conversation.id);
  assert.deepEqual(messages, [user_message, assistant_message]);
  const renamed = await adapter.updateConversationTitle(conversation.id, "Hello");
  assert.deepEqual(await adapter.getConversations().then(([first]) => first), renamed);
  await adapter.deleteConversation(conversation.id);
  await problemOf(adapter.getMessages(conversation.id), 404);
});

await step("find that the guards know all that the server sends", async () => {
  assert.ok(isConversation(await client.createConversation("Guards")));
  const { conversations } = await client.getConversations({ q: "Guards" });
  const [{ id } = assert.fail("it is not found")] = conversations;
  assert.ok(isConversationList(await client.getConversations()));
  assert.ok(isTurn(await client.sendMessage(id, "Add a task to guard")));
  const begun = await client.startRun(id, { content: "List my tasks" });
  assert.ok(isBegunRun(begun));
  assert.ok(isMessageList(await client.getMessages(id)));
  const events = await all(client.followRun(id, begun.run.id));
  assert.ok(events.every(isNumberedRunEvent));
  assert.ok(isRun(await client.getRun(id, begun.run.id)));
  const path = { conversation_id: id };
  const { error } = await client.api.GET(MESSAGES, { params: { path, query: { limit: 0 } } });
  assert.ok(isProblemDocument(error));
  await client.deleteConversation(id);
});

await step("rename it", async () => {
  const renamed = await client.updateConversationTitle(id, "  Groceries 🛒 ");
  assert.equal(renamed.title, "Groceries 🛒");
  const page = await client.getConversations({ q: "🛒" });
  assert.equal(page.conversations[0]?.title, "Groceries 🛒");
});

await step("be told what is wrong with a value", async () => {
  const blank = await problemOf(client.sendMessage(id, "  "), 422);
  assert.equal(blank.code, "invalid_value");
  assert.deepEqual(blank.errors.map((error) => error.path), ["content"]);
  assert.equal(blank.userMessageId, undefined);
  const limit = await problemOf(client.getMessages(id, { limit: 101 }), 422);
  assert.deepEqual(limit.errors.map((error) => error.path), ["limit"]);
});

const { run, events } = await step("begin a run and follow it to its end", async () => {
  const { user_message, run } = await client.startRun(id, { content: "Add a task to sleep" });
  const events = await all(client.followRun(id, run.id));
  const [started, created, ...steps] = events;
  assert.ok(started?.type === "run.started" && started.run.id === run.id);
  assert.ok(created?.type === "message.created");
  assert.deepEqual(created.message, user_message);
  const [completed, end] = steps.splice(-2);
  assert.ok(completed?.type === "message.completed");
  assert.ok(end?.type === "run.completed");
  const texts = steps.map((event) => (event.type === "message.delta" ? event.text : ""));
  assert.equal(texts.join(""), completed.message.content);
  const called = steps.filter(({ type }) => type.startsWith("tool_call.")).map(({ type }) => type);
  assert.deepEqual(called, ["tool_call.started", "tool_call.completed"]);
  const ids = events.map((event) => event.id);
  assert.deepEqual(ids, [...new Set(ids)].sort((one, other) => one - other));

  const { messages } = await client.getMessages(id, { since: user_message.id });
  assert.deepEqual(messages, [completed.message]);
  assert.deepEqual(await client.getRun(id, run.id), end.run);
  return { run, events };
});

await step("follow it again, from any point", async () => {
  for (let seen = 0; seen <= events.length; seen += 1) {
    const after = events[seen - 1]?.id;
    const rest = await all(client.followRun(id, run.id, { after }));
    assert.deepEqual(rest, events.slice(seen));
  }
});

await step("stop it, which is too late, and follow what never was", async () => {
  const stopped = await client.cancelRun(id, run.id);
  assert.equal(stopped.status, "completed");
  const unknown = await problemOf(client.followRun(id, id).next(), 404);
  assert.equal(unknown.code, "run_not_found");
});

await step("answer a message again", async () => {
  const { run: other, user_message } = await client.startRun(id, {
    regenerate: turn.user_message.id,
  });
  assert.deepEqual(user_message.id, turn.user_message.id);
  const events = await all(client.followRun(id, other.id));
  assert.equal(events.at(-1)?.type, "run.completed");
  assert.equal(events.some(({ type }) => type === "message.created"), false);
});

await step("delete it, and see it gone", async () => {
  await client.deleteConversation(id);
  const gone = await problemOf(client.getMessages(id), 404);
  assert.equal(gone.code, "conversation_not_found");
  await problemOf(client.sendMessage(id, "Hello?"), 404);
  await problemOf(client.updateConversationTitle(id, "Hello?"), 404);
  await problemOf(client.deleteConversation(id), 404);
});

await step("be refused with a token that does not hold, and without one", async () => {
  const bad = createChatClient({ baseUrl, token: `${token}x` });
  const refused = await problemOf(bad.getConversations(), 401);
  assert.equal(refused.code, "unauthorized");
  assert.equal(refused.detail, "Invalid token");
  const nobody = createChatClient({ baseUrl, token: () => null });
  assert.equal((await problemOf(nobody.getConversations(), 401)).detail, "Not authenticated");
});
