/** What our own client gives to a chat component that wants lists. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { type ChatAdapter, chatAdapter, type Fetch } from "@chatkit-rs/client";

import { answering, clientOf, ID, problem, problemOf, recording } from "./harness.js";

const CONVERSATIONS = "http://server.test/api/chat/conversations";

/** An adapter whose requests are answered by `fetch`. */
function adapterOf(fetch: Fetch): ChatAdapter {
  return chatAdapter(clientOf(fetch));
}

/** What is asked of the server, where it answers with this. */
async function requestsOf(answer: Fetch, act: (adapter: ChatAdapter) => Promise<unknown>) {
  const sent: string[] = [];
  await act(adapterOf(recording(sent, answer)));
  return sent;
}

test("it has the six functions, and no others", () => {
  assert.deepEqual(Object.keys(adapterOf(answering(200, {}))).sort(), [
    "createConversation",
    "deleteConversation",
    "getConversations",
    "getMessages",
    "sendMessage",
    "updateConversationTitle",
  ]);
});

test("lists come without their pages", async () => {
  const conversations = [{ id: ID, title: "Groceries", message_count: 2 }];
  const list = answering(200, { conversations, next_cursor: "next", has_more: true });
  assert.deepEqual(await adapterOf(list).getConversations(), conversations);

  const messages = [{ id: ID, role: "user", content: "Hello", created_at: "" }];
  const page = answering(200, { conversation_id: ID, messages, has_more: false, active_run: null });
  assert.deepEqual(await adapterOf(page).getMessages(ID), messages);
});

test("what is written is given back as the client gives it", async () => {
  const conversation = { id: ID, title: "Groceries" };
  const created = adapterOf(answering(201, conversation));
  assert.deepEqual(await created.createConversation("Groceries"), conversation);
  assert.deepEqual(await created.updateConversationTitle(ID, "Groceries"), conversation);

  const turn = { user_message: { id: "1" }, assistant_message: { id: "2" }, run: { id: "3" } };
  assert.deepEqual(await adapterOf(answering(201, turn)).sendMessage(ID, "Hello"), turn);

  const gone = adapterOf(async () => new Response(null, { status: 204 }));
  assert.equal(await gone.deleteConversation(ID), undefined);
});

test("each function is one request", async () => {
  const answer = answering(200, { conversations: [], messages: [] });
  const sent = await requestsOf(answer, async (adapter) => {
    await adapter.getConversations();
    await adapter.getMessages(ID);
    await adapter.sendMessage(ID, "Hello");
    await adapter.createConversation();
    await adapter.createConversation("Party");
    await adapter.updateConversationTitle(ID, "Party on Saturday");
    await adapter.deleteConversation(ID);
  });
  assert.deepEqual(sent, [
    `GET ${CONVERSATIONS}?limit=100`,
    `GET ${CONVERSATIONS}/${ID}/messages?limit=100`,
    `POST ${CONVERSATIONS}/${ID}/messages {"content":"Hello"}`,
    `POST ${CONVERSATIONS} {}`,
    `POST ${CONVERSATIONS} {"title":"Party"}`,
    `PUT ${CONVERSATIONS}/${ID} {"title":"Party on Saturday"}`,
    `DELETE ${CONVERSATIONS}/${ID}`,
  ]);
});

test("the functions may be passed on as they are", async () => {
  const answer = answering(200, { conversations: [], messages: [] });
  const sent = await requestsOf(answer, async ({ getMessages, getConversations }) => {
    // `map` passes an index and the list besides, which are no page.
    await Promise.all([ID].map(getMessages));
    await Promise.resolve({ limit: 1 }).then(getConversations as () => Promise<unknown>);
  });
  assert.deepEqual(sent, [
    `GET ${CONVERSATIONS}/${ID}/messages?limit=100`,
    `GET ${CONVERSATIONS}?limit=100`,
  ]);
});

test("what is not carried out is thrown as the client throws it", async () => {
  const gone = adapterOf(answering(404, problem(404, "conversation_not_found")));
  const calls = [
    gone.getConversations(),
    gone.getMessages(ID),
    gone.sendMessage(ID, "Hello"),
    gone.createConversation(),
    gone.updateConversationTitle(ID, "Party"),
    gone.deleteConversation(ID),
  ];
  for (const call of calls) {
    const error = await problemOf(call);
    assert.equal(error.code, "conversation_not_found");
    // What a page shows that reads no more than an error's message.
    assert.equal(error.message, "What went wrong");
  }
});
