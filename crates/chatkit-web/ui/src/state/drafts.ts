/**
 * What was typed and is not with the server yet, for each conversation. It outlives the page: a
 * text is forgotten only when the server has it.
 */

const PREFIX = "chatkit.draft.";

/** What was typed last. */
export interface Draft {
  text: string;

  /** The key under which this very text was sent, where nobody knows whether it arrived. */
  sentKey?: string;
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
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) {
      localStorage.removeItem(key);
    }
  } catch {
    // Where the browser keeps nothing there is nothing to forget.
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
    (!("sentKey" in value) || typeof value.sentKey === "string")
  );
}
