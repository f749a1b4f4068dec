/** The server, as this page calls it: signed in by the cookie. */

import { type ChatClient, ChatProblem, createChatClient } from "@chatkit-rs/client";

import { Connection } from "../chat/connection";
import { isForOtherUser } from "../chat/other-user";
import { noteSignedOut } from "./session";

const SESSION = "/api/session";

/** Whether it can be reached. */
export const connection = new Connection();

/** How many sessions began: a refusal from before says nothing of the newest. */
let sessions = 0;

let onOtherUser = () => {};

/** Calls back when a request was refused, as it was meant for another user than the cookie's. */
export function whenOtherUser(callback: () => void): void {
  onOtherUser = callback;
}

/** Sends a request, and notes what it tells of who is signed in. */
async function send(request: Request): Promise<Response> {
  const session = sessions;
  const response = await connection.send(request);
  if (response.status === 401 && session === sessions && new URL(request.url).pathname !== SESSION) {
    noteSignedOut();
  } else if (await isForOtherUser(request, response)) {
    onOtherUser();
  }
  return response;
}

/** The calls of whoever is there. */
export const anyone = clientFor();

/** The calls of the user who is known to be there, and of no other. */
export let client = anyone;

/** Has the calls be this user's. */
export function callFor(user: string): void {
  client = clientFor(user);
}

function clientFor(expectedUser?: string): ChatClient {
  return createChatClient({ baseUrl: "", fetch: send, expectedUser });
}

/** Trades the token of a sign-in link for the cookie. */
export async function createSession(token: string): Promise<void> {
  const headers = { Authorization: `Bearer ${token}` };
  done(await anyone.api.POST(SESSION, { headers }));
  sessions += 1;
}

/** Removes the cookie. */
export async function deleteSession(): Promise<void> {
  done(await anyone.api.DELETE(SESSION));
}

function done({ error, response }: { error?: unknown; response: Response }): void {
  if (!response.ok) {
    throw ChatProblem.from(response, error);
  }
}
