/**
 * What was typed and is not with the server yet, for each conversation of a user. It outlives the
 * page: a text is forgotten when the server has it, and when another user comes.
 */

const PREFIX = "chatkit.draft.";

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

/** The draft of a user's conversation, `null` for a new one. */
export function loadDraft(user: string, id: string | null): Draft {
  try {
    const draft: unknown = JSON.parse(localStorage.getItem(nameOf(user, id)) ?? "null");
    return isDraft(draft) ? draft : { text: "" };
  } catch {
    return { text: "" };
  }
}

/** Forgets a text that has arrived, unless something else was typed since. */
export function settleDraft(user: string, id: string, key: string, typedSince: string): void {
  if (loadDraft(user, id).sent?.key === key) {
    saveDraft(user, id, { text: typedSince });
  }
}

/** Keeps a draft. */
export function saveDraft(user: string, id: string | null, draft: Draft): void {
  try {
    if (draft.text === "") {
      localStorage.removeItem(nameOf(user, id));
    } else {
      localStorage.setItem(nameOf(user, id), JSON.stringify(draft));
    }
  } catch {
    // Where the browser keeps nothing, the text is still in the page.
  }
}

/** Forgets all drafts, but those of a user who is there. */
export function forgetDrafts(user?: string): void {
  const kept = user === undefined ? undefined : prefixOf(user);
  try {
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) {
      if (kept === undefined || !key.startsWith(kept)) {
        localStorage.removeItem(key);
      }
    }
  } catch {
    // Where the browser keeps nothing there is nothing to forget.
  }
}

function nameOf(user: string, id: string | null): string {
  return prefixOf(user) + (id ?? "new");
}

function prefixOf(user: string): string {
  return `${PREFIX}${encodeURIComponent(user)}/`;
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
