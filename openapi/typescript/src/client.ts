/** The client: the typed calls of the whole API, and the few that a chat page needs. */

import createClient, { type Client } from "openapi-fetch";

import { follow, type FollowOptions, type RunEvents } from "./follow.js";
import { ChatProblem } from "./problem.js";
import type { paths } from "./schema.js";
import { type Fetch, type TokenSource, transport } from "./transport.js";
import type {
  BegunRun,
  Conversation,
  ConversationList,
  Feedback,
  Info,
  MessageList,
  NewRun,
  Run,
  Turn,
} from "./types.js";

/** What a client needs to know. */
export interface ChatClientOptions {
  /** The server's origin, such as `https://chat.example.com`; empty for the page's own. */
  baseUrl: string;

  /** Who is calling. Left out where the browser sends the server's cookie. */
  token?: TokenSource | undefined;

  /**
   * The user for whom the calls are meant: the `user_id` of `getInfo`. Where the token, or the
   * cookie, has become another user's meanwhile, they are refused (403, `other_user`).
   */
  expectedUser?: string | undefined;

  /** Sends the requests instead of the global `fetch`. */
  fetch?: Fetch | undefined;
}

/** Which page of conversations to get. */
export interface ConversationQuery {
  /** How many: `DEFAULT_CONVERSATION_PAGE_SIZE` unless told, `MAX_PAGE_SIZE` at most. */
  limit?: number | undefined;

  /** The `next_cursor` of the page before; `null` for the first page. */
  cursor?: string | null | undefined;

  /** Only conversations with this text in the title or in a message, `MAX_SEARCH_CHARS` at most. */
  q?: string | undefined;
}

/** Which page of a history to get. Without `before` and `since`: the newest. */
export interface MessageQuery {
  /** How many: `DEFAULT_MESSAGE_PAGE_SIZE` unless told, `MAX_PAGE_SIZE` at most. */
  limit?: number | undefined;

  /** A `before_cursor`: the page that ends before it. Not together with `since`. */
  before?: string | null | undefined;

  /** A message's id or a time (RFC 3339): the oldest messages strictly after it. */
  since?: string | null | undefined;
}

/** What every call takes. */
export interface CallOptions {
  /** Aborts the call. An answer that was asked for is written nevertheless. */
  signal?: AbortSignal | undefined;
}

/** What a call takes that begins a run. */
export interface RunOptions extends CallOptions {
  /**
   * A key of the caller's for this one message, `MAX_IDEMPOTENCY_KEY_CHARS` at most: a call that is
   * repeated under it, as its answer was lost, is not carried out twice.
   */
  idempotencyKey?: string | undefined;
}

/**
 * The calls of a chat page. Each throws a `ChatProblem` when it is not carried out. They need no
 * `this`, and may be passed on one by one.
 */
export interface ChatClient {
  /** Every operation of the API. A problem is a value here (`error`), and is not thrown. */
  readonly api: Client<paths>;

  /** What the server is: its version, who answers, its limits. */
  getInfo(options?: CallOptions): Promise<Info>;

  /** A page of the caller's conversations, the one that changed last first. */
  getConversations(query?: ConversationQuery, options?: CallOptions): Promise<ConversationList>;

  /** Creates a conversation. Without a title it is named after its first message. */
  createConversation(title?: string, options?: CallOptions): Promise<Conversation>;

  /** A conversation. */
  getConversation(id: string, options?: CallOptions): Promise<Conversation>;

  /** Renames a conversation. */
  updateConversationTitle(id: string, title: string, options?: CallOptions): Promise<Conversation>;

  /** Deletes a conversation. */
  deleteConversation(id: string, options?: CallOptions): Promise<void>;

  /** Brings a deleted conversation back. */
  restoreConversation(id: string, options?: CallOptions): Promise<Conversation>;

  /** A page of a conversation's history, oldest message first. */
  getMessages(id: string, query?: MessageQuery, options?: CallOptions): Promise<MessageList>;

  /** Sends a message and waits for the answer. */
  sendMessage(id: string, content: string, options?: RunOptions): Promise<Turn>;

  /** Rates an answer; `null` takes the rating back. */
  rateMessage(
    id: string,
    messageId: string,
    kind: Feedback | null,
    options?: CallOptions,
  ): Promise<void>;

  /** Sends a message, or has one answered again, without waiting: the run goes on by itself. */
  startRun(id: string, run: NewRun, options?: RunOptions): Promise<BegunRun>;

  /** A run as it is now. */
  getRun(id: string, runId: string, options?: CallOptions): Promise<Run>;

  /** Stops a run. What was said so far is kept. */
  cancelRun(id: string, runId: string, options?: CallOptions): Promise<Run>;

  /**
   * The events of a run up to its end, each of them once. A connection that is cut, or silent for
   * too long, is replaced by the next one; only what would go wrong every time is thrown.
   */
  followRun(id: string, runId: string, options?: FollowOptions): RunEvents;
}

const INFO = "/api/info";
const CONVERSATIONS = "/api/chat/conversations";
const CONVERSATION = "/api/chat/conversations/{conversation_id}";
const RESTORE = "/api/chat/conversations/{conversation_id}/restore";
const MESSAGES = "/api/chat/conversations/{conversation_id}/messages";
const FEEDBACK = "/api/chat/conversations/{conversation_id}/messages/{message_id}/feedback";
const RUNS = "/api/chat/conversations/{conversation_id}/runs";
const RUN = "/api/chat/conversations/{conversation_id}/runs/{run_id}";
const CANCEL = "/api/chat/conversations/{conversation_id}/runs/{run_id}/cancel";
const EVENTS = "/api/chat/conversations/{conversation_id}/runs/{run_id}/events";

/** Says to whatever is on the way that the answer is a stream. */
const ACCEPTED = { Accept: "text/event-stream, application/problem+json" };

/** A client of one server for one caller. It holds no connection and needs no closing. */
export function createChatClient(options: ChatClientOptions): ChatClient {
  const { baseUrl, token, expectedUser, fetch } = options;
  // The global is looked up at each call, so that what replaces it later is used.
  const send: Fetch = fetch ?? ((request) => globalThis.fetch(request));
  const api = createClient<paths>({ baseUrl, fetch: transport(send, token, expectedUser) });
  return {
    api,

    async getInfo(options) {
      return data(await api.GET(INFO, init(options)));
    },

    async getConversations(query = {}, options) {
      const params = { query: given(query) };
      return data(await api.GET(CONVERSATIONS, { params, ...init(options) }));
    },

    async createConversation(title, options) {
      const body = given({ title });
      return data(await api.POST(CONVERSATIONS, { body, ...init(options) }));
    },

    async getConversation(id, options) {
      return data(await api.GET(CONVERSATION, { params: path(id), ...init(options) }));
    },

    async updateConversationTitle(id, title, options) {
      const params = path(id);
      return data(await api.PUT(CONVERSATION, { params, body: { title }, ...init(options) }));
    },

    async deleteConversation(id, options) {
      done(await api.DELETE(CONVERSATION, { params: path(id), ...init(options) }));
    },

    async restoreConversation(id, options) {
      return data(await api.POST(RESTORE, { params: path(id), ...init(options) }));
    },

    async getMessages(id, query = {}, options) {
      const params = { ...path(id), query: given(query) };
      return data(await api.GET(MESSAGES, { params, ...init(options) }));
    },

    async sendMessage(id, content, options) {
      const params = { ...path(id), ...keyed(options) };
      return data(await api.POST(MESSAGES, { params, body: { content }, ...init(options) }));
    },

    async rateMessage(id, messageId, kind, options) {
      const params = { path: { conversation_id: id, message_id: messageId } };
      done(await api.PUT(FEEDBACK, { params, body: { kind }, ...init(options) }));
    },

    async startRun(id, run, options) {
      const params = { ...path(id), ...keyed(options) };
      return data(await api.POST(RUNS, { params, body: run, ...init(options) }));
    },

    async getRun(id, runId, options) {
      const params = runPath(id, runId);
      return data(await api.GET(RUN, { params, ...init(options) }));
    },

    async cancelRun(id, runId, options) {
      const params = runPath(id, runId);
      return data(await api.POST(CANCEL, { params, ...init(options) }));
    },

    followRun(id, runId, options = {}) {
      const known = { ...runPath(id, runId), query: given({ after: options.after }) };
      return follow((lastId, signal) => {
        const params = { ...known, header: given({ "Last-Event-ID": lastId?.toString() }) };
        return api.GET(EVENTS, { params, headers: ACCEPTED, parseAs: "stream", signal });
      }, options);
    },
  };
}

/** What an operation gives back. */
interface Result<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Throws the problem of a call that was not carried out. */
function done({ error, response }: Result<unknown>): void {
  // By the status, as `error` is undefined where a response that failed has no body.
  if (!response.ok) {
    throw ChatProblem.from(response, error);
  }
}

/** What a call gave back, or the problem thrown. */
function data<T>(result: Result<T>): NonNullable<T> {
  done(result);
  if (result.data === undefined || result.data === null) {
    throw ChatProblem.unreadable(result.response);
  }
  return result.data;
}

/** The parameters of a call on one conversation. */
function path(id: string): { path: { conversation_id: string } } {
  return { path: { conversation_id: id } };
}

/** The parameters of a call on one run. */
function runPath(id: string, runId: string): { path: { conversation_id: string; run_id: string } } {
  return { path: { conversation_id: id, run_id: runId } };
}

/** The key of a call that begins a run, where it has one. */
function keyed({ idempotencyKey }: RunOptions = {}): { header: { "Idempotency-Key"?: string } } {
  return { header: given({ "Idempotency-Key": idempotencyKey }) };
}

/** The part of a call's options that `fetch` takes. */
function init(options: CallOptions = {}): { signal: AbortSignal | null } {
  return { signal: options.signal ?? null };
}

/** The members that have a value. */
function given<T extends object>(members: T): Given<T> {
  const entries = Object.entries(members);
  return Object.fromEntries(entries.filter(([, value]) => value != null)) as Given<T>;
}

/** What is left of members without `null` and `undefined`. */
type Given<T> = { [Name in keyof T]?: NonNullable<T[Name]> };
