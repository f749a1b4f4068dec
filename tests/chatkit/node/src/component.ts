/** What the component does when its user or its page asks for it, without showing any of it. */

import assert from "node:assert/strict";

import type { Entity, OpenAIChatKit } from "@openai/chatkit";

import { Connection, type Options } from "./connection.js";
import type {
  InferenceOptions,
  StreamEvent,
  Streams,
  Thread,
  UserMessageContent,
  UserMessageInput,
} from "./protocol.js";
import { LocalThread } from "./thread.js";

/** The methods of the element that this one has. */
type Methods = Pick<
  OpenAIChatKit,
  "fetchUpdates" | "sendUserMessage" | "setThreadId" | "showHistory"
>;

type Message = Parameters<OpenAIChatKit["sendUserMessage"]>[0];

/** How the stream of each request begins. */
const OPENINGS: Record<keyof Streams, readonly StreamEvent["type"][]> = {
  "threads.create": ["thread.created", "thread.item.done", "stream_options"],
  "threads.add_user_message": ["thread.item.done", "stream_options"],
  "threads.retry_after_item": ["stream_options"],
};

export class Component implements Methods {
  readonly connection: Connection;
  history: Thread[] = [];
  #current: LocalThread | undefined;
  #turn: AbortController | undefined;
  #watchers: (() => void)[] = [];

  constructor(options: Options) {
    this.connection = new Connection(options);
  }

  /** The thread that is shown. */
  get current(): LocalThread {
    assert.ok(this.#current, "no thread is shown");
    return this.#current;
  }

  async showHistory(): Promise<void> {
    this.history = await this.connection.threads();
  }

  async setThreadId(threadId: string | null): Promise<void> {
    if (threadId === null) {
      this.#current = undefined;
      return;
    }
    const thread = await this.connection.ask("threads.get_by_id", { thread_id: threadId });
    const items = [...thread.items.data, ...(await this.connection.rest(threadId, thread.items))];
    const empty = { data: [], has_more: false };
    this.#current = new LocalThread({ ...thread, items: empty }, items);
  }

  async fetchUpdates(): Promise<void> {
    await this.setThreadId(this.current.thread.id);
  }

  /** Sends what the user says, and takes part in the turn until it ends or is stopped. */
  async sendUserMessage(message: Message): Promise<void> {
    const input = toInput(message);
    const isNew = message.newThread === true || !this.#current;
    const turn = isNew
      ? this.#follow("threads.create", { input })
      : this.#follow("threads.add_user_message", { thread_id: this.current.thread.id, input });
    await turn;
  }

  /** The retry button below the answer to a message. */
  async retry(item_id: string): Promise<void> {
    this.current.goBackTo(item_id);
    const { id } = this.current.thread;
    await this.#follow("threads.retry_after_item", { thread_id: id, item_id });
  }

  /** The stop button. */
  stop(): void {
    assert.ok(this.#turn && this.current.mayStop, "there is nothing that may be stopped");
    this.#turn.abort();
    this.#turn = undefined;
    this.current.stop();
  }

  async rename(thread_id: string, title: string): Promise<void> {
    const renamed = await this.connection.ask("threads.update", { thread_id, title });
    this.history = this.history.map((thread) => (thread.id === thread_id ? renamed : thread));
    if (this.#current?.thread.id === thread_id) {
      this.current.thread = renamed;
    }
  }

  async delete(thread_id: string): Promise<void> {
    assert.deepEqual(await this.connection.ask("threads.delete", { thread_id }), {});
    this.history = this.history.filter(({ id }) => id !== thread_id);
    if (this.#current?.thread.id === thread_id) {
      this.#current = undefined;
    }
  }

  /** The thumbs below an answer. */
  async rate(item_id: string, kind: "positive" | "negative"): Promise<void> {
    const params = { thread_id: this.current.thread.id, item_ids: [item_id], kind };
    assert.deepEqual(await this.connection.ask("items.feedback", params), {});
  }

  /** Waits until something is seen. */
  until(isSeen: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (isSeen()) {
          this.#watchers = this.#watchers.filter((watcher) => watcher !== look);
          resolve();
        }
      };
      this.#watchers.push(look);
    });
  }

  async #follow<T extends keyof Streams>(type: T, params: Streams[T]): Promise<void> {
    assert.ok(!this.#turn, "no one speaks while an answer is streamed");
    const turn = new AbortController();
    this.#turn = turn;
    if (type !== "threads.create") {
      this.current.begin();
    }
    let opening = [...OPENINGS[type]];
    try {
      for await (const event of this.connection.stream(type, params, turn.signal)) {
        if (turn.signal.aborted) {
          return;
        }
        const [expected, ...rest] = opening;
        if (expected !== undefined) {
          assert.equal(event.type, expected, `how ${type} begins`);
          opening = rest;
        }
        this.#apply(event, expected !== undefined, "input" in params ? params.input : undefined);
      }
    } catch (error) {
      if (turn.signal.aborted) {
        return;
      }
      throw error;
    } finally {
      if (this.#turn === turn) {
        this.#turn = undefined;
      }
    }
    assert.deepEqual(opening, [], `${type} ends before it begins`);
    this.current.end();
  }

  #apply(event: StreamEvent, isOpening: boolean, input: UserMessageInput | undefined): void {
    if (event.type === "thread.created") {
      assert.ok(isOpening);
      assert.ok(!("title" in event.thread), "a new thread has no title yet");
      this.#current = new LocalThread(event.thread);
      return;
    }
    if (event.type === "thread.item.done" && event.item.type === "user_message") {
      assert.ok(isOpening, "the user says nothing in the middle of an answer");
      const { content, attachments, quoted_text, inference_options } = event.item;
      const said = { content, attachments, quoted_text, inference_options };
      assert.deepEqual(said, { quoted_text: undefined, ...input }, "what was said is kept");
    }
    this.current.apply(event);
    this.#watchers.forEach((look) => look());
  }
}

/** What the composer makes of an entity that the user mentions. */
export function mention(entity: Entity): UserMessageContent {
  const { id, title, group, interactive = false, data = {} } = entity;
  return { type: "input_tag", id, text: title, ...(group && { group }), interactive, data };
}

function toInput({ text = "", content, reply, attachments, toolChoice, model }: Message) {
  const options: InferenceOptions = {
    ...(toolChoice && { tool_choice: toolChoice }),
    ...(model !== undefined && { model }),
  };
  const parts = content ?? [{ type: "input_text", text }];
  const input: UserMessageInput = {
    content: parts.map((part) =>
      part.type === "input_tag" ? { ...part, data: part.data ?? {} } : part,
    ),
    attachments: attachments?.map(({ id }) => id) ?? [],
    quoted_text: reply ?? "",
    inference_options: options,
  };
  return input;
}
