/** What a call throws when it was not carried out. */

import type { FieldError, Problem } from "./types.js";

/** The `code` of a problem that no server sent: the server could not be reached. */
export const NETWORK_ERROR = "network_error";

/** The `code` of a problem that no server sent: something answered, but not in the API's words. */
export const UNREADABLE_RESPONSE = "unreadable_response";

/** What there is to say of a problem. */
interface Facts {
  status: number;
  code: string;
  detail: string;
  requestId?: string | undefined;
  errors?: readonly FieldError[] | undefined;
  conversationId?: string | undefined;
  userMessageId?: string | undefined;
  runId?: string | undefined;
  assistantMessageId?: string | undefined;
  activeRunId?: string | undefined;
  retryAfter?: number | undefined;
  cause?: unknown;
}

/** Why a call was not carried out: the server's problem document (RFC 9457) as an error. */
export class ChatProblem extends Error {
  override readonly name = "ChatProblem";

  /** The HTTP status; 0 where there was no response. */
  readonly status: number;

  /** What kind of problem it is, for programs. */
  readonly code: string;

  /** What went wrong, in one sentence that may be shown to a user. The same as `message`. */
  readonly detail: string;

  /** The request's id, by which the server's log can be searched. */
  readonly requestId: string | undefined;

  /** The values that break their rules, for status 422; otherwise empty. */
  readonly errors: readonly FieldError[];

  /** The conversation, once the user's message is kept. */
  readonly conversationId: string | undefined;

  /** The user's message, once it is kept: sending it again would say it twice. */
  readonly userMessageId: string | undefined;

  /** The run, once the user's message is kept. */
  readonly runId: string | undefined;

  /** The part of the answer that was stored before the run failed, if there is one. */
  readonly assistantMessageId: string | undefined;

  /** The run that the conversation is busy with, for code `run_active`. */
  readonly activeRunId: string | undefined;

  /** After how many seconds to try again, where the server says so. */
  readonly retryAfter: number | undefined;

  private constructor(facts: Facts) {
    super(facts.detail, facts.cause === undefined ? {} : { cause: facts.cause });
    this.status = facts.status;
    this.code = facts.code;
    this.detail = facts.detail;
    this.requestId = facts.requestId;
    this.errors = facts.errors ?? [];
    this.conversationId = facts.conversationId;
    this.userMessageId = facts.userMessageId;
    this.runId = facts.runId;
    this.assistantMessageId = facts.assistantMessageId;
    this.activeRunId = facts.activeRunId;
    this.retryAfter = facts.retryAfter;
  }

  /** The problem in a response and its parsed body, also where the body is no problem document. */
  static from(response: Response, body: unknown): ChatProblem {
    if (!isProblemBody(body)) {
      return ChatProblem.unreadable(response);
    }
    return new ChatProblem({
      status: response.status,
      code: body.code,
      detail: body.detail,
      requestId: body.request_id,
      errors: body.errors,
      conversationId: body.conversation_id,
      userMessageId: body.user_message_id,
      runId: body.run_id,
      assistantMessageId: body.assistant_message_id,
      activeRunId: body.active_run_id,
      retryAfter: retryAfter(response),
    });
  }

  /** There was no response, or it broke off. */
  static unreachable(cause: unknown): ChatProblem {
    const detail = "The server could not be reached";
    return new ChatProblem({ status: 0, code: NETWORK_ERROR, detail, cause });
  }

  /** The response is not one of the API's: a proxy's error page, or JSON that is none. */
  static unreadable(response: Response, cause?: unknown): ChatProblem {
    return new ChatProblem({
      status: response.status,
      code: UNREADABLE_RESPONSE,
      detail: `The response (status ${response.status}) cannot be read`,
      requestId: response.headers.get("X-Request-Id") ?? undefined,
      retryAfter: retryAfter(response),
      cause,
    });
  }
}

/** Whether what was thrown is a problem, and not a bug or an abort. */
export function isProblem(error: unknown): error is ChatProblem {
  return error instanceof ChatProblem;
}

/** Whether a body is a problem document as far as every one of them goes. */
function isProblemBody(body: unknown): body is Problem {
  return (
    typeof body === "object" &&
    body !== null &&
    "code" in body &&
    typeof body.code === "string" &&
    "detail" in body &&
    typeof body.detail === "string"
  );
}

/** The header `Retry-After` in seconds. A proxy may send a date instead of a number. */
function retryAfter(response: Response): number | undefined {
  const value = response.headers.get("Retry-After");
  if (value === null) {
    return undefined;
  }
  if (/^\d+$/.test(value)) {
    return Number(value);
  }
  const milliseconds = Date.parse(value) - Date.now();
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, Math.ceil(milliseconds / 1000));
}
