/**
 * The limits of the API. A running server tells the same under `/api/info`.
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
