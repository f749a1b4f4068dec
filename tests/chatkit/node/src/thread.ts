/**
 * A thread as a client has it, from the events of its turns alone. An event that does not fit what
 * was said before is an error.
 */

import assert from "node:assert/strict";

import type {
  AssistantMessage,
  OutputText,
  StreamEvent,
  Thread,
  ThreadItem,
  Update,
  WorkflowItem,
} from "./protocol.js";

/** Items of any other kind are the server's own. */
const KINDS: ReadonlySet<string> = new Set<ThreadItem["type"]>([
  ...(["user_message", "assistant_message", "workflow", "widget", "generated_image"] as const),
  ...(["client_tool_call", "structured_input", "task", "end_of_turn"] as const),
]);

export class LocalThread {
  /** Without its items. */
  thread: Thread;
  items: ThreadItem[] = [];
  mayStop = false;
  /** What the server is doing; shown for a while. */
  progress: string | undefined;
  error: Extract<StreamEvent, { type: "error" }> | undefined;
  /** The items that still change, and which parts of them do not. */
  readonly #open = new Map<string, Set<number>>();

  constructor(thread: Thread, items: ThreadItem[] = []) {
    assert.deepEqual(thread.items, { data: [], has_more: false });
    this.thread = thread;
    this.items = items;
  }

  /** A turn begins. */
  begin(): void {
    assert.equal(this.#open.size, 0);
    this.mayStop = false;
    this.progress = undefined;
    this.error = undefined;
  }

  /** The stream of a turn has ended. */
  end(): void {
    if (this.error) {
      // What was not finished is not kept.
      this.#drop((item) => this.#open.has(item.id));
    }
    assert.deepEqual([...this.#open.keys()], [], "items that were begun and not finished");
  }

  /** The user stopped the turn: of what was not finished, only text is kept. */
  stop(): void {
    this.#drop(
      (item) =>
        this.#open.has(item.id) && !(item.type === "assistant_message" && textOf(item).trim()),
    );
    this.#open.clear();
  }

  /** Drops what is behind an item. */
  goBackTo(id: string): void {
    const index = this.items.indexOf(this.#find(id));
    this.items.length = index + 1;
  }

  apply(event: StreamEvent): void {
    assert.ok(!this.error || event.type === "thread.updated", `${event.type} behind an error`);
    switch (event.type) {
      case "thread.created":
        throw new Error("only a thread that is not there yet is created");
      case "thread.updated":
        assert.equal(event.thread.id, this.thread.id);
        assert.deepEqual(event.thread.items, { data: [], has_more: false });
        this.thread = event.thread;
        break;
      case "thread.item.added":
        this.#add(event.item);
        this.#begin(event.item);
        break;
      case "thread.item.done":
        this.#finish(event.item);
        break;
      case "thread.item.replaced":
        this.#replace(event.item);
        this.#open.delete(event.item.id);
        break;
      case "thread.item.removed":
        this.#find(event.item_id);
        this.#drop((item) => item.id === event.item_id);
        break;
      case "thread.item.updated":
        this.#update(this.#find(event.item_id), event.update);
        break;
      case "stream_options":
        this.mayStop = event.stream_options.allow_cancel;
        break;
      case "progress_update":
        this.progress = event.text;
        break;
      case "client_effect":
      case "notice":
        break;
      case "error":
        this.error = event;
        break;
      default:
        unknown(event);
    }
  }

  #find(id: string): ThreadItem {
    const found = this.items.find((item) => item.id === id);
    assert.ok(found, `there is no item ${id}`);
    return found;
  }

  #add(item: ThreadItem): void {
    assert.ok(KINDS.has(item.type), `${item.type} is not for clients`);
    assert.equal(item.thread_id, this.thread.id);
    assert.ok(
      this.items.every(({ id }) => id !== item.id),
      `${item.id} is there already`,
    );
    if (!this.#isChild(item)) {
      assert.ok(!this.#hasOpen("workflow"), `a workflow is finished before a ${item.type} begins`);
    }
    this.progress = undefined;
    this.items.push(item);
  }

  /** Whether an item may come while a workflow is under way. */
  #isChild(item: ThreadItem): boolean {
    return item.type === "client_tool_call";
  }

  #hasOpen(type: ThreadItem["type"]): boolean {
    return this.items.some((item) => item.type === type && this.#open.has(item.id));
  }

  #begin(item: ThreadItem): void {
    if (item.type === "assistant_message") {
      assert.deepEqual(item.content, [], "a message begins without parts");
    }
    this.#open.set(item.id, new Set());
  }

  #finish(item: ThreadItem): void {
    const finished = this.#open.get(item.id);
    if (!finished) {
      this.#add(item);
      return;
    }
    const before = this.#find(item.id);
    if (before.type === "assistant_message" && item.type === "assistant_message") {
      assert.deepEqual(item.content, before.content, "what was streamed is what it ends as");
      assert.equal(finished.size, item.content.length, "a message ends when its parts have");
    }
    if (before.type === "workflow" && item.type === "workflow") {
      assert.deepEqual(item.workflow.tasks, before.workflow.tasks, "the tasks are as streamed");
    }
    this.#replace(item);
    this.#open.delete(item.id);
  }

  #replace(item: ThreadItem): void {
    const before = this.#find(item.id);
    assert.equal(item.type, before.type);
    assert.equal(item.thread_id, this.thread.id);
    this.items[this.items.indexOf(before)] = item;
  }

  #drop(isDropped: (item: ThreadItem) => boolean): void {
    const dropped = this.items.filter(isDropped);
    this.items = this.items.filter((item) => !dropped.includes(item));
    for (const { id } of dropped) {
      this.#open.delete(id);
    }
  }

  #update(item: ThreadItem, update: Update): void {
    switch (update.type) {
      case "assistant_message.content_part.added": {
        const { content } = this.#opened(item, "assistant_message");
        assert.equal(update.content_index, content.length);
        content.push(update.content);
        break;
      }
      case "assistant_message.content_part.text_delta":
        this.#part(item, update.content_index).text += update.delta;
        break;
      case "assistant_message.content_part.annotation_added": {
        const { annotations } = this.#part(item, update.content_index);
        assert.ok(update.annotation_index <= annotations.length);
        annotations.splice(update.annotation_index, 0, update.annotation);
        break;
      }
      case "assistant_message.content_part.done": {
        const part = this.#part(item, update.content_index);
        assert.equal(update.content.text, part.text, "the deltas are the text");
        this.#opened(item, "assistant_message").content[update.content_index] = update.content;
        this.#open.get(item.id)?.add(update.content_index);
        break;
      }
      case "workflow.task.added": {
        const { tasks } = this.#opened(item, "workflow").workflow;
        assert.equal(update.task_index, tasks.length);
        tasks.push(update.task);
        break;
      }
      case "workflow.task.updated": {
        const { tasks } = this.#opened(item, "workflow").workflow;
        assert.ok(update.task_index < tasks.length);
        assert.notDeepEqual(update.task, tasks[update.task_index], "an update changes something");
        tasks[update.task_index] = update.task;
        break;
      }
      case "widget.root.updated":
        // Also of an item of an earlier turn.
        assert.ok(item.type === "widget");
        item.widget = update.widget;
        break;
      case "generated_image.updated":
        assert.ok(item.type === "generated_image" && this.#open.has(item.id));
        item.image = update.image;
        break;
      default:
        unknown(update);
    }
  }

  #opened(item: ThreadItem, type: "assistant_message"): AssistantMessage;
  #opened(item: ThreadItem, type: "workflow"): WorkflowItem;
  #opened(item: ThreadItem, type: ThreadItem["type"]): ThreadItem {
    assert.equal(item.type, type);
    assert.ok(this.#open.has(item.id), `${item.id} does not change any more`);
    return item;
  }

  #part(item: ThreadItem, index: number): OutputText {
    const part = this.#opened(item, "assistant_message").content[index];
    assert.ok(part && !this.#open.get(item.id)?.has(index), `part ${index} does not change`);
    return part;
  }
}

/** The words of a message. */
export function textOf(item: ThreadItem | undefined): string {
  switch (item?.type) {
    case "assistant_message":
    case "user_message":
      return item.content.map(({ text }) => text).join("");
    default:
      return "";
  }
}

function unknown(what: never): never {
  throw new Error(`the protocol knows no ${JSON.stringify(what)}`);
}
