/** Which conversation this browser was in, kept for the pages of the site that has the widget. */

const KEY = "chatkit_widget_conversation_id";

/** What an id looks like. Other scripts of the site may write anything there. */
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The last id, where the browser keeps nothing. */
let remembered: string | null = null;

/** The conversation's id; `null` where there is none. */
export function keptConversation(): string | null {
  try {
    return valid(localStorage.getItem(KEY));
  } catch {
    return remembered;
  }
}

/** Keeps a conversation's id; `null` forgets it. */
export function keepConversation(id: string | null): void {
  remembered = id;
  try {
    if (id === null) {
      localStorage.removeItem(KEY);
    } else {
      localStorage.setItem(KEY, id);
    }
  } catch {
    // Where the browser keeps nothing, a conversation lasts as long as its page.
  }
}

/** Calls back when another tab goes to a conversation. Gives back what ends that. */
export function onKeptElsewhere(callback: (id: string | null) => void): () => void {
  const listen = ({ key, newValue }: StorageEvent) => {
    if (key === KEY) {
      callback(valid(newValue));
    }
  };
  window.addEventListener("storage", listen);
  return () => window.removeEventListener("storage", listen);
}

function valid(id: string | null): string | null {
  return id !== null && ID.test(id) ? id : null;
}
