/** The server, as this page calls it: signed in by the cookie. */

import { ChatProblem, createChatClient } from "@chatkit-rs/client";

import { Connection } from "../chat/connection";
import { noteSignedOut } from "./session";

const SESSION = "/api/session";

/** Whether it can be reached. */
export const connection = new Connection();

/** Sends a request, and notes what it tells of who is signed in. */
async function send(request: Request): Promise<Response> {
  const response = await connection.send(request);
  if (response.status === 401 && new URL(request.url).pathname !== SESSION) {
    noteSignedOut();
  }
  return response;
}

/** Its calls. */
export const client = createChatClient({ baseUrl: "", fetch: send });

/** Trades the token of a sign-in link for the cookie. */
export async function createSession(token: string): Promise<void> {
  const headers = { Authorization: `Bearer ${token}` };
  done(await client.api.POST(SESSION, { headers }));
}

/** Removes the cookie. */
export async function deleteSession(): Promise<void> {
  done(await client.api.DELETE(SESSION));
}

function done({ error, response }: { error?: unknown; response: Response }): void {
  if (!response.ok) {
    throw ChatProblem.from(response, error);
  }
}
