/**
 * The limits of the API. A running server tells the first three under `/api/info` as well, beside
 * those that are settings of its own.
 *
 * A character is a Unicode scalar value: count with `[...text].length`, as `text.length` counts an
 * emoji twice.
 */

/** Longest message, in characters, not counting white space around it. */
export const MAX_MESSAGE_CHARS = 10_000;

/** Longest title of a conversation, in characters, not counting white space around it. */
export const MAX_TITLE_CHARS = 200;

/** Most entries of a page. */
export const MAX_PAGE_SIZE = 100;

/** Entries of a page of conversations for which no `limit` was given. */
export const DEFAULT_CONVERSATION_PAGE_SIZE = 20;

/** Entries of a page of messages for which no `limit` was given. */
export const DEFAULT_MESSAGE_PAGE_SIZE = 50;

/** Longest text to search conversations for, in characters. */
export const MAX_SEARCH_CHARS = 200;

/** Longest `Idempotency-Key`, in characters, which are visible ASCII. */
export const MAX_IDEMPOTENCY_KEY_CHARS = 255;
