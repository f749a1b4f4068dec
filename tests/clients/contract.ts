/**
 * What the contract promises, written by hand: what every generator has to make of the document.
 *
 * Members may be added to the schemas, so only those named here are compared; but these exactly: a
 * member that may be `null` is always there, and one that may be missing is never `null`.
 */

/** The schemas as a generator names them. */
export interface Schemas {
  Conversation: object;
  ConversationList: object;
  CreateConversation: object;
  FieldError: object;
  Message: object;
  MessageList: object;
  Problem: object;
  Run: object;
  RunError: object;
  SendMessage: object;
  ToolCall: object;
  Turn: object;
  UpdateConversation: object;
  Usage: object;
}

/** The members of each schema; those that refer to another one do so as the generator does. */
interface Promised<S extends Schemas> {
  Conversation: {
    id: string;
    user_id: string;
    title: string;
    created_at: string;
    updated_at: string;
    message_count: number;
  };
  ConversationList: {
    conversations: S["Conversation"][];
    next_cursor: string | null;
    has_more: boolean;
  };
  CreateConversation: { title?: string | null };
  FieldError: { path: string; message: string };
  Message: {
    id: string;
    conversation_id: string;
    sequence_number: number;
    role: "user" | "assistant";
    content: string;
    status: "completed" | "incomplete";
    tool_calls: S["ToolCall"][] | null;
    feedback: "positive" | "negative" | null;
    run_id: string | null;
    model: string | null;
    tokens_used: number | null;
    created_at: string;
  };
  MessageList: {
    conversation_id: string;
    messages: S["Message"][];
    has_more: boolean;
    before_cursor: string | null;
    reset: boolean;
    active_run: S["Run"] | null;
  };
  Problem: {
    type: string;
    title: string;
    status: number;
    detail: string;
    code: string;
    request_id: string;
    errors?: S["FieldError"][];
    active_run_id?: string;
    conversation_id?: string;
    user_message_id?: string;
    run_id?: string;
  };
  Run: {
    id: string;
    conversation_id: string;
    status: "queued" | "running" | "awaiting_approval" | "completed" | "failed" | "cancelled";
    user_message_id: string | null;
    assistant_message_id: string | null;
    model: string | null;
    usage: S["Usage"] | null;
    error: S["RunError"] | null;
    tool_calls: S["ToolCall"][];
    created_at: string;
    started_at: string | null;
    ended_at: string | null;
  };
  RunError: { code: string; message: string };
  SendMessage: { content: string };
  ToolCall: {
    id: string;
    tool_name: string;
    arguments: { [name: string]: unknown };
    arguments_text: string | null;
    result: unknown;
    status:
      | "awaiting_approval"
      | "running"
      | "success"
      | "error"
      | "denied"
      | "cancelled"
      | "unknown";
    error_message: string | null;
    execution_time_ms: number | null;
    timestamp: string;
  };
  Turn: { user_message: S["Message"]; assistant_message: S["Message"]; run: S["Run"] };
  UpdateConversation: { title: string };
  Usage: { input_tokens: number; output_tokens: number; total_tokens: number; estimated: boolean };
}

/** Whether two types are the same, also in what is optional. */
export type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** The members of `Wanted` that are not the same in `Found`. */
type Broken<Found, Wanted> = {
  [Name in keyof Wanted]-?: Same<Members<Found, Name>, Members<Wanted, Name>> extends true
    ? never
    : Name;
}[keyof Wanted];

/** A type with no members but these. */
type Members<T, Names> = Pick<T, Extract<keyof T, Names>>;

/**
 * For each schema `true`, or else the names of the members that are not what was promised: the
 * compiler then says that `true` is not assignable to `"title"`.
 */
export type Kept<S extends Schemas> = {
  [Name in keyof Schemas]: Verdict<Broken<S[Name], Promised<S>[Name]>>;
};

type Verdict<Names> = [Names] extends [never] ? true : Names;

/** That all of them are. */
export const ALL_KEPT = {
  Conversation: true,
  ConversationList: true,
  CreateConversation: true,
  FieldError: true,
  Message: true,
  MessageList: true,
  Problem: true,
  Run: true,
  RunError: true,
  SendMessage: true,
  ToolCall: true,
  Turn: true,
  UpdateConversation: true,
  Usage: true,
} as const satisfies Record<keyof Schemas, true>;
