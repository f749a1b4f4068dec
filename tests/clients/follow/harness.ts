/** What follows a run in these tests: a server that does as it is told, and readers of events. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import {
  type ChatProblem,
  createChatClient,
  type Fetch,
  isProblem,
  type NumberedRunEvent,
  type RunEvents,
  type TokenSource,
} from "@chatkit-rs/client";

export const ID = "01998f3c-7a10-7000-8000-000000000001";
export const RUN = "01998f3c-7a10-7000-8000-000000000004";
export const PATH = `/api/chat/conversations/${ID}/runs/${RUN}/events`;
export const STREAM = { "Content-Type": "text/event-stream" };

/** The events of a run, as far as they matter here. Numbers have gaps. */
export const EVENTS = [
  { id: 1, type: "run.started", run: { id: RUN } },
  { id: 2, type: "message.created", message: { content: "Add milk 🥛" } },
  { id: 3, type: "message.delta", message_id: ID, text: "Grüße" },
  { id: 7, type: "tool_call.started", tool_call: { id: ID } },
  { id: 8, type: "tool_call.completed", tool_call: { id: ID } },
  { id: 9, type: "message.delta", message_id: ID, text: " 🛒 €\r\nline" },
  { id: 1_000_009, type: "message.completed", message: { content: "Grüße 🛒 €\r\nline" } },
  { id: 1_000_010, type: "run.completed", run: { id: RUN } },
] as unknown as NumberedRunEvent[];

export const STARTED = EVENTS[0] as NumberedRunEvent;
export const CREATED = EVENTS[1] as NumberedRunEvent;
export const DELTA = EVENTS[2] as NumberedRunEvent;
export const END = EVENTS.at(-1) as NumberedRunEvent;

/** A piece of the answer. */
export function delta(id: number, text: string): NumberedRunEvent {
  return { id, type: "message.delta", message_id: ID, text };
}

/** An event as the server sends it. */
export function frame({ id, ...data }: NumberedRunEvent): string {
  return `id: ${id}\nevent: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

export function frames(events: NumberedRunEvent[]): string {
  return events.map(frame).join("");
}

/** The number behind which a client asks for events. */
export function lastIdOf(request: IncomingMessage): number {
  const after = new URL(request.url ?? "", "http://server.test").searchParams.get("after");
  return Number(request.headers["last-event-id"] ?? after ?? 0);
}

/** How one request is answered. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Sends a body and ends. */
export function body(content: string | Uint8Array): Answer {
  return (_, response) => response.writeHead(200, STREAM).end(content);
}

/** Sends a body and waits. */
export function open(content: string): Answer {
  return (_, response) => response.writeHead(200, STREAM).write(content);
}

/** Sends a problem in the server's words. */
export function problem(status: number, headers: Record<string, string> = {}): Answer {
  const text = JSON.stringify({ status, code: `code_${status}`, detail: "What went wrong" });
  const type = { "Content-Type": "application/problem+json" };
  return (_, response) => response.writeHead(status, { ...type, ...headers }).end(text);
}

/** Says that nothing is left to be sent. */
export const nothing: Answer = (_, response) => response.writeHead(204).end();

/** Sends what a client has not got yet, as a server that treats it well. */
export const rest: Answer = (request, response) => {
  const events = EVENTS.filter(({ id }) => id > lastIdOf(request));
  body(`: \n\nretry: 1\n\n${frames(events)}`)(request, response);
};

/** A server that gives these answers one after the other, the last one for ever. */
export async function serve(t: TestContext, answers: Answer[], token: TokenSource = "token") {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const answer = answers[Math.min(asked.push(request), answers.length) - 1];
    answer?.(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createChatClient({ baseUrl, token });
  const follow = client.followRun.bind(undefined, ID, RUN);
  return { asked, follow, lastIds: () => asked.map((it) => it.headers["last-event-id"]) };
}

/** Answers with these pieces, which arrive as they are, and then ends or stays silent. */
export function pieces(parts: (string | Uint8Array)[], isEnded = true): Response {
  const encoder = new TextEncoder();
  const stream = new ReadableStream({
    start(controller) {
      for (const part of parts) {
        controller.enqueue(typeof part === "string" ? encoder.encode(part) : part);
      }
      if (isEnded) {
        controller.close();
      }
    },
  });
  return new Response(stream, { headers: STREAM });
}

/** A client that is answered without a network, and `undefined` as if there were none. */
export function followFrom(answers: (Response | undefined)[]) {
  const asked: Request[] = [];
  const fetch: Fetch = async (request) => {
    const answer = answers[asked.push(request) - 1];
    if (answer === undefined) {
      throw new TypeError("fetch failed");
    }
    return answer;
  };
  const client = createChatClient({ baseUrl: "http://server.test", fetch });
  return { asked, follow: client.followRun.bind(undefined, ID, RUN) };
}

/** Everything that is given up to the end. */
export async function all(events: RunEvents): Promise<NumberedRunEvent[]> {
  const given: NumberedRunEvent[] = [];
  for await (const event of events) {
    given.push(event);
  }
  return given;
}

/** What is given before something is thrown, and what that is. */
export async function broken(events: RunEvents): Promise<[NumberedRunEvent[], unknown]> {
  const given: NumberedRunEvent[] = [];
  try {
    for await (const event of events) {
      given.push(event);
    }
  } catch (error) {
    return [given, error];
  }
  return assert.fail("nothing was thrown");
}

/** The problem that is thrown, and that nothing is given before. */
export async function problemOf(events: RunEvents): Promise<ChatProblem> {
  const [given, error] = await broken(events);
  assert.deepEqual(given, []);
  assert.ok(isProblem(error), `no problem: ${error}`);
  return error;
}
