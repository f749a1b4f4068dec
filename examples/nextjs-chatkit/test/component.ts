/** What ChatKit's component sends, by the `fetch` that it is given. */

import assert from "node:assert/strict";

export interface Item {
  type: string;
  content?: { text: string }[];
}

export interface Thread {
  id: string;
  title?: string;
  items: { data: Item[] };
}

interface Event {
  type: string;
  thread?: Thread;
  item?: Item;
}

/** What came of a turn. */
export interface Turn {
  threadId: string | undefined;
  answer: string;
}

export class Component {
  readonly #url: string;
  readonly #fetch: typeof fetch;

  constructor(url: string, send: typeof fetch) {
    this.#url = url;
    this.#fetch = send;
  }

  /** Sends a request as it is. */
  send(type: string, params: object): Promise<Response> {
    return this.#fetch(this.#url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Language": "en-US" },
      body: JSON.stringify({ type, params }),
    });
  }

  /** What is shown of the history. */
  async list(): Promise<Thread[]> {
    const response = await this.send("threads.list", { limit: 9999, order: "desc" });
    return ((await read(response)) as { data: Thread[] }).data;
  }

  async open(thread_id: string): Promise<Thread> {
    return (await read(await this.send("threads.get_by_id", { thread_id }))) as Thread;
  }

  /** Sends what the user says, in a new thread or in one that is there. */
  async say(text: string, thread_id?: string): Promise<Turn> {
    const content = [{ type: "input_text", text }];
    const input = { content, attachments: [], quoted_text: "", inference_options: {} };
    const response = await (thread_id === undefined
      ? this.send("threads.create", { input })
      : this.send("threads.add_user_message", { thread_id, input }));
    assert.equal(response.status, 200);
    assert.match(response.headers.get("Content-Type") ?? "", /^text\/event-stream/);
    const events = (await response.text())
      .split("\n")
      .filter((line) => line.startsWith("data: "))
      .map((line) => JSON.parse(line.slice("data: ".length)) as Event);
    return {
      threadId: events.find(({ type }) => type === "thread.created")?.thread?.id,
      answer: textOf(finished(events).find(({ type }) => type === "assistant_message")),
    };
  }
}

export function textOf(item: Item | undefined): string {
  return (item?.content ?? []).map(({ text }) => text).join("");
}

function finished(events: Event[]): Item[] {
  return events.flatMap(({ type, item }) => (type === "thread.item.done" && item ? [item] : []));
}

async function read(response: Response): Promise<unknown> {
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}
