/** Which conversation this browser was in, kept for the pages of the site that has the widget. */

const KEY = "chatkit_widget_conversation_id";

/** The conversation's id; `null` where there is none. */
export function keptConversation(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Keeps a conversation's id; `null` forgets it. */
export function keepConversation(id: string | null): void {
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
      callback(newValue);
    }
  };
  window.addEventListener("storage", listen);
  return () => window.removeEventListener("storage", listen);
}
