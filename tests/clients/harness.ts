/** A client that is answered without a server: by a `fetch` that is told what to say. */

import assert from "node:assert/strict";

import { type ChatProblem, createChatClient, type Fetch, isProblem } from "@chatkit-rs/client";

export const ID = "01998f3c-7a10-7000-8000-000000000001";

/** A client whose requests are answered by `fetch`. */
export function clientOf(fetch: Fetch, token: string | (() => string | null) = "token") {
  return createChatClient({ baseUrl: "http://server.test/", token, fetch });
}

/** Answers every request alike. */
export function answering(status: number, body: string | object, headers: object = {}): Fetch {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = typeof body === "string" ? "text/html" : "application/json";
  return async () => new Response(text, { status, headers: { "Content-Type": type, ...headers } });
}

/** Answers as another does, and writes down what was sent. */
export function recording(sent: string[], fetch: Fetch): Fetch {
  return async (request) => {
    sent.push(`${request.method} ${request.url} ${await request.text()}`.trim());
    return fetch(request);
  };
}

/** The problem that a call throws. */
export async function problemOf(call: Promise<unknown>): Promise<ChatProblem> {
  const error = await call.then(
    () => assert.fail("the call was carried out"),
    (error: unknown) => error,
  );
  assert.ok(isProblem(error), `no problem: ${error}`);
  return error;
}

/** The problem in the server's words, with members that some have. */
export function problem(status: number, code: string, more: object = {}) {
  const detail = "What went wrong";
  return { type: "about:blank", title: "", status, detail, code, request_id: "request-1", ...more };
}
