/**
 * What was typed and is not with the server yet, for each conversation. It outlives the page: a
 * text is forgotten only when the server has it.
 */

const PREFIX = "chatkit.draft.";

/** Whose drafts they are. */
const USER = "chatkit.user";

/** An attempt to send of which nobody knows whether it arrived. */
export interface Sent {
  /** The key under which it was sent. */
  key: string;

  /** The last message that was there before it. */
  after: string | null;
}

/** What was typed last. */
export interface Draft {
  text: string;

  /** How this very text was sent. */
  sent?: Sent;
}

/** The draft of a conversation, `null` for a new one. */
export function loadDraft(id: string | null): Draft {
  try {
    const draft: unknown = JSON.parse(localStorage.getItem(name(id)) ?? "null");
    return isDraft(draft) ? draft : { text: "" };
  } catch {
    return { text: "" };
  }
}

/** Forgets a text that has arrived, unless something else was typed since. */
export function settleDraft(id: string, key: string, typedSince: string): void {
  if (loadDraft(id).sent?.key === key) {
    saveDraft(id, { text: typedSince });
  }
}

/** Keeps a draft. */
export function saveDraft(id: string | null, draft: Draft): void {
  try {
    if (draft.text === "") {
      localStorage.removeItem(name(id));
    } else {
      localStorage.setItem(name(id), JSON.stringify(draft));
    }
  } catch {
    // Where the browser keeps nothing, the text is still in the page.
  }
}

/** Forgets all drafts, as somebody else may sit down at this browser. */
export function forgetDrafts(): void {
  try {
    localStorage.removeItem(USER);
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) {
      localStorage.removeItem(key);
    }
  } catch {
    // Where the browser keeps nothing there is nothing to forget.
  }
}

/** Keeps the drafts for this user; those of another one are forgotten. */
export function keepDraftsOf(user: string): void {
  try {
    if (localStorage.getItem(USER) !== user) {
      forgetDrafts();
      localStorage.setItem(USER, user);
    }
  } catch {
    // Where the browser keeps nothing there are no drafts.
  }
}

function name(id: string | null): string {
  return PREFIX + (id ?? "new");
}

function isDraft(value: unknown): value is Draft {
  return (
    typeof value === "object" &&
    value !== null &&
    "text" in value &&
    typeof value.text === "string" &&
    (!("sent" in value) || isSent(value.sent))
  );
}

function isSent(value: unknown): value is Sent {
  return (
    typeof value === "object" &&
    value !== null &&
    "key" in value &&
    typeof value.key === "string" &&
    "after" in value &&
    (value.after === null || typeof value.after === "string")
  );
}
