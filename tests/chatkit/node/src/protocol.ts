/**
 * What requests and answers are made of. What the published types know of that is taken from
 * them; they do not know the wire itself.
 */

import type {
  Attachment,
  ChatKitIcon,
  ToolChoice,
  UserMessageContent as PublishedContent,
  Widgets,
} from "@openai/chatkit";

type Json = Record<string, unknown>;

type InputText = Extract<PublishedContent, { type: "input_text" }>;

/** A tag always has its data on the wire. */
type InputTag = Extract<PublishedContent, { type: "input_tag" }> & { data: Json };

/** A part of what the user says. */
export type UserMessageContent = InputText | InputTag;

export interface InferenceOptions {
  tool_choice?: ToolChoice;
  model?: string;
}

export interface UserMessageInput {
  content: UserMessageContent[];
  attachments: string[];
  inference_options: InferenceOptions;
  quoted_text?: string;
}

export type Order = "asc" | "desc";

export interface List {
  limit?: number;
  order?: Order;
  after?: string;
}

export interface Page<T> {
  data: T[];
  has_more: boolean;
  after?: string;
}

export interface Thread {
  id: string;
  title?: string;
  created_at: string;
  status: { type: "active" } | { type: "locked" | "closed"; reason?: string };
  allowed_image_domains?: string[];
  metadata: Record<string, never>;
  items: Page<ThreadItem>;
}

export interface Annotation {
  type: "annotation";
  source: Json & { type: "url" | "file" | "entity"; title: string };
  index?: number;
}

export interface OutputText {
  type: "output_text";
  text: string;
  annotations: Annotation[];
}

export type Task = {
  type: "custom" | "web_search" | "thought" | "file" | "image";
  status_indicator: "none" | "loading" | "complete";
  title?: string;
} & Json;

export interface Workflow {
  type: "custom" | "reasoning";
  tasks: Task[];
  summary?: { title: string; icon?: string } | { duration: number };
  expanded: boolean;
}

export type Widget = Widgets.Card | Widgets.ListView | Widgets.BasicRoot;

export interface Image {
  id: string;
  url: string;
}

interface Entry<T extends string> {
  type: T;
  id: string;
  thread_id: string;
  created_at: string;
}

export interface UserMessage extends Entry<"user_message"> {
  content: UserMessageContent[];
  attachments: Attachment[];
  quoted_text?: string;
  inference_options: InferenceOptions;
}

export interface AssistantMessage extends Entry<"assistant_message"> {
  content: OutputText[];
}

export interface WorkflowItem extends Entry<"workflow"> {
  workflow: Workflow;
}

export interface WidgetItem extends Entry<"widget"> {
  widget: Widget;
  copy_text?: string;
}

export interface GeneratedImage extends Entry<"generated_image"> {
  image?: Image;
}

/** What a client may see. */
export type ThreadItem =
  | UserMessage
  | AssistantMessage
  | WorkflowItem
  | WidgetItem
  | GeneratedImage
  | (Entry<"client_tool_call"> & {
      status: "pending" | "completed";
      call_id: string;
      name: string;
      arguments: Json;
      output?: unknown;
    })
  | (Entry<"structured_input"> & { status: "pending" | "answered" | "skipped"; inputs: Json[] })
  | (Entry<"task"> & { task: Task })
  | Entry<"end_of_turn">;

export type Update =
  | {
      type: "assistant_message.content_part.added" | "assistant_message.content_part.done";
      content_index: number;
      content: OutputText;
    }
  | { type: "assistant_message.content_part.text_delta"; content_index: number; delta: string }
  | {
      type: "assistant_message.content_part.annotation_added";
      content_index: number;
      annotation_index: number;
      annotation: Annotation;
    }
  | { type: "workflow.task.added" | "workflow.task.updated"; task_index: number; task: Task }
  | { type: "widget.root.updated"; widget: Widget }
  | { type: "generated_image.updated"; image: Image; progress?: number };

export type StreamEvent =
  | { type: "thread.created" | "thread.updated"; thread: Thread }
  | { type: "thread.item.added" | "thread.item.done" | "thread.item.replaced"; item: ThreadItem }
  | { type: "thread.item.updated"; item_id: string; update: Update }
  | { type: "thread.item.removed"; item_id: string }
  | { type: "stream_options"; stream_options: { allow_cancel: boolean } }
  | { type: "progress_update"; text: string; icon?: ChatKitIcon | `vendor:${string}` }
  | { type: "client_effect"; name: string; data: Json }
  | { type: "notice"; level: "info" | "warning" | "danger"; message: string; title?: string }
  | { type: "error"; code: string; message?: string; allow_retry: boolean };

/** What is answered with a stream, and what it takes. */
export interface Streams {
  "threads.create": { input: UserMessageInput };
  "threads.add_user_message": { thread_id: string; input: UserMessageInput };
  "threads.retry_after_item": { thread_id: string; item_id: string };
}

/** What is answered at once: what it takes, and the answer. */
export interface Operations {
  "threads.get_by_id": [{ thread_id: string }, Thread];
  "threads.list": [List, Page<Thread>];
  "threads.update": [{ thread_id: string; title: string }, Thread];
  "threads.delete": [{ thread_id: string }, Record<string, never>];
  "items.list": [List & { thread_id: string }, Page<ThreadItem>];
  "items.feedback": [
    { thread_id: string; item_ids: string[]; kind: "positive" | "negative" },
    Record<string, never>,
  ];
}
