/** The one endpoint, and the requests that the component sends there. */

import assert from "node:assert/strict";

import type { ChatKitOptions, CustomApiConfig } from "@openai/chatkit";

import type {
  List,
  Operations,
  Order,
  Page,
  StreamEvent,
  Streams,
  Thread,
  ThreadItem,
} from "./protocol.js";
import { readEvents } from "./sse.js";

/** The options of a component that speaks to a server of one's own. */
export type Options = ChatKitOptions & { api: CustomApiConfig };

/** A request was refused. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    text: string,
  ) {
    super(`${status}: ${text}`);
  }
}

export class Connection {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** What is answered at once. */
  async ask<T extends keyof Operations>(
    type: T,
    params: Operations[T][0],
  ): Promise<Operations[T][1]> {
    const response = await this.#send({ type, params }, null);
    assert.equal(mediaType(response), "application/json", type);
    return (await response.json()) as Operations[T][1];
  }

  /** What is answered with a stream, until that ends or is left. */
  async *stream<T extends keyof Streams>(
    type: T,
    params: Streams[T],
    signal: AbortSignal,
  ): AsyncGenerator<StreamEvent> {
    const response = await this.#send({ type, params }, signal);
    assert.equal(mediaType(response), "text/event-stream", type);
    assert.ok(response.body);
    yield* readEvents(response.body) as AsyncGenerator<StreamEvent>;
  }

  /** All items of a thread, in pages of this size. */
  async items(thread_id: string, order: Order, limit: number): Promise<ThreadItem[]> {
    return this.#pages((list) => this.ask("items.list", { thread_id, ...list }), { order, limit });
  }

  /** What stands behind a page. */
  async rest(thread_id: string, first: Page<ThreadItem>): Promise<ThreadItem[]> {
    const read = (list: List) => this.ask("items.list", { thread_id, ...list });
    return first.has_more ? this.#pages(read, { order: "asc", ...cursor(first) }) : [];
  }

  /** The history, as the component asks for it. */
  async threads(order: Order = "desc", limit = 9999): Promise<Thread[]> {
    return this.#pages((list) => this.ask("threads.list", list), { limit, order });
  }

  async #pages<T extends object>(
    read: (list: List) => Promise<Page<T>>,
    first: List,
  ): Promise<T[]> {
    const all: T[] = [];
    let list = first;
    for (let pages = 0; pages < 1000; pages += 1) {
      const page = await read(list);
      const limit = list.limit ?? 20;
      assert.ok(rows(page) <= limit, `${rows(page)} of ${limit}`);
      all.push(...page.data);
      if (!page.has_more) {
        assert.ok(!("after" in page), "a last page has no cursor");
        return all;
      }
      const next = cursor(page);
      assert.notEqual(next.after, list.after, "a page leads to itself");
      list = { ...list, ...next };
    }
    throw new Error("the pages have no end");
  }

  async #send(body: unknown, signal: AbortSignal | null): Promise<Response> {
    const { api, locale } = this.#options;
    const response = await (api.fetch ?? fetch)(api.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Language": locale ?? "en" },
      body: JSON.stringify(body),
      signal,
    });
    if (response.status !== 200) {
      throw new Refusal(response.status, await response.text());
    }
    return response;
  }
}

/** How many rows a page has: the steps of an answer come with it, and count as one with it. */
export function rows(page: Page<object>): number {
  return page.data.filter((entry) => !("workflow" in entry)).length;
}

/** Where a page goes on, which one that is not the last says. */
function cursor({ after }: Page<unknown>): { after: string } {
  assert.ok(after !== undefined, "a page before the last has a cursor");
  return { after };
}

function mediaType(response: Response): string | undefined {
  return response.headers.get("content-type")?.split(";")[0];
}
