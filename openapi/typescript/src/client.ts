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

/**
 * The calls of a chat page. Each throws a `ChatProblem` when it is not carried out. They need no
 * `this`, and may be passed on one by one.
 */
export interface ChatClient {
  /** Every operation of the API. A problem is a value here (`error`), and is not thrown. */
  readonly api: Client<paths>;

  /** A page of the caller's conversations, the one that changed last first. */
  getConversations(query?: ConversationQuery, options?: CallOptions): Promise<ConversationList>;

  /** Creates a conversation. Without a title it is named after its first message. */
  createConversation(title?: string, options?: CallOptions): Promise<Conversation>;

  /** Renames a conversation. */
  updateConversationTitle(id: string, title: string, options?: CallOptions): Promise<Conversation>;

  /** Deletes a conversation. */
  deleteConversation(id: string, options?: CallOptions): Promise<void>;

  /** A page of a conversation's history, oldest message first. */
  getMessages(id: string, query?: MessageQuery, options?: CallOptions): Promise<MessageList>;

  /** Sends a message and waits for the answer. */
  sendMessage(id: string, content: string, options?: CallOptions): Promise<Turn>;

  /** Sends a message, or has one answered again, without waiting: the run goes on by itself. */
  startRun(id: string, run: NewRun, options?: CallOptions): Promise<BegunRun>;

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

const CONVERSATIONS = "/api/chat/conversations";
const CONVERSATION = "/api/chat/conversations/{conversation_id}";
const MESSAGES = "/api/chat/conversations/{conversation_id}/messages";
const RUNS = "/api/chat/conversations/{conversation_id}/runs";
const RUN = "/api/chat/conversations/{conversation_id}/runs/{run_id}";
const CANCEL = "/api/chat/conversations/{conversation_id}/runs/{run_id}/cancel";
const EVENTS = "/api/chat/conversations/{conversation_id}/runs/{run_id}/events";

/** Says to whatever is on the way that the answer is a stream. */
const ACCEPTED = { Accept: "text/event-stream, application/problem+json" };

/** A client of one server for one caller. It holds no connection and needs no closing. */
export function createChatClient({ baseUrl, token, fetch }: ChatClientOptions): ChatClient {
  // The global is looked up at each call, so that what replaces it later is used.
  const send: Fetch = fetch ?? ((request) => globalThis.fetch(request));
  const api = createClient<paths>({ baseUrl, fetch: transport(token, send) });
  return {
    api,

    async getConversations(query = {}, options) {
      const params = { query: given(query) };
      return data(await api.GET(CONVERSATIONS, { params, ...init(options) }));
    },

    async createConversation(title, options) {
      const body = given({ title });
      return data(await api.POST(CONVERSATIONS, { body, ...init(options) }));
    },

    async updateConversationTitle(id, title, options) {
      const params = path(id);
      return data(await api.PUT(CONVERSATION, { params, body: { title }, ...init(options) }));
    },

    async deleteConversation(id, options) {
      const params = path(id);
      const { error, response } = await api.DELETE(CONVERSATION, { params, ...init(options) });
      if (!response.ok) {
        throw ChatProblem.from(response, error);
      }
    },

    async getMessages(id, query = {}, options) {
      const params = { ...path(id), query: given(query) };
      return data(await api.GET(MESSAGES, { params, ...init(options) }));
    },

    async sendMessage(id, content, options) {
      const params = path(id);
      return data(await api.POST(MESSAGES, { params, body: { content }, ...init(options) }));
    },

    async startRun(id, run, options) {
      const params = path(id);
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

/** What a call gave back, or the problem thrown. */
function data<T>(result: { data?: T; error?: unknown; response: Response }): NonNullable<T> {
  // By the status, as `error` is undefined where a response that failed has no body.
  if (!result.response.ok) {
    throw ChatProblem.from(result.response, result.error);
  }
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
