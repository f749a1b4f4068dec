/** The calls of this page: the client's, and the few that it leaves to its typed operations. */

import {
  type BegunRun,
  type CallOptions,
  ChatProblem,
  type Conversation,
  createChatClient,
  type Feedback,
  type Info,
  type NewRun,
} from "@chatkit-rs/client";

import { noteAnswer, noteSilence } from "./connection";
import { noteSignedOut } from "./session";

const SESSION = "/api/session";

/** Sends a request, and notes what it tells of the connection and of who is signed in. */
async function send(request: Request): Promise<Response> {
  try {
    const response = await fetch(request);
    noteAnswer();
    if (response.status === 401 && new URL(request.url).pathname !== SESSION) {
      noteSignedOut();
    }
    return response;
  } catch (error) {
    if (!request.signal.aborted) {
      noteSilence();
    }
    throw error;
  }
}

/** The client, which is signed in by the cookie. */
export const client = createChatClient({ baseUrl: "", fetch: send });

/** What the server is. */
export async function getInfo(): Promise<Info> {
  return whole(await client.api.GET("/api/info"));
}

/** Trades the token of a sign-in link for the cookie. */
export async function createSession(token: string): Promise<void> {
  const headers = { Authorization: `Bearer ${token}` };
  done(await client.api.POST(SESSION, { headers }));
}

/** Removes the cookie. */
export async function deleteSession(): Promise<void> {
  done(await client.api.DELETE(SESSION));
}

/** A conversation. */
export async function getConversation(id: string, { signal }: CallOptions = {}): Promise<Conversation> {
  const params = { path: { conversation_id: id } };
  const path = "/api/chat/conversations/{conversation_id}";
  return whole(await client.api.GET(path, { params, signal: signal ?? null }));
}

/** Brings back a deleted conversation. */
export async function restoreConversation(id: string): Promise<Conversation> {
  const params = { path: { conversation_id: id } };
  return whole(await client.api.POST("/api/chat/conversations/{conversation_id}/restore", { params }));
}

/** Rates an answer; `null` takes the rating back. */
export async function rateMessage(
  conversationId: string,
  messageId: string,
  kind: Feedback | null,
): Promise<void> {
  const params = { path: { conversation_id: conversationId, message_id: messageId } };
  const path = "/api/chat/conversations/{conversation_id}/messages/{message_id}/feedback";
  done(await client.api.PUT(path, { params, body: { kind } }));
}

/** Starts a run under a key: with the same key, a call whose answer was lost is not carried out twice. */
export async function startRun(
  id: string,
  run: NewRun,
  key: string,
  { signal }: CallOptions = {},
): Promise<BegunRun> {
  const params = { path: { conversation_id: id }, header: { "Idempotency-Key": key } };
  const path = "/api/chat/conversations/{conversation_id}/runs";
  return whole(await client.api.POST(path, { params, body: run, signal: signal ?? null }));
}

/** What an operation gives back. */
interface Result<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

function done({ error, response }: Result<unknown>): void {
  if (!response.ok) {
    throw ChatProblem.from(response, error);
  }
}

function whole<T>(result: Result<T>): NonNullable<T> {
  done(result);
  if (result.data === undefined || result.data === null) {
    throw ChatProblem.unreadable(result.response);
  }
  return result.data;
}
