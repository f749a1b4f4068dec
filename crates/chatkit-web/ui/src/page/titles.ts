/** What conversations are called, also those that are not in the list. */

import { signal } from "@preact/signals";

import { conversations } from "./conversations";
import { client } from "./server";

/** A conversation that was opened and is not listed. */
const unlisted = signal<{ id: string; title: string } | null>(null);

/** The title of a conversation; `null` where it is not known. */
export function titleOf(id: string | null): string | null {
  const listed = conversations.value?.find((conversation) => conversation.id === id)?.title;
  return listed ?? (unlisted.value?.id === id ? unlisted.value.title : null);
}

/** Asks for the title of a conversation that is not in the list. */
export async function readTitle(id: string): Promise<void> {
  if (titleOf(id) !== null) {
    return;
  }
  try {
    const { title } = await client.getConversation(id);
    unlisted.value = { id, title };
  } catch {
    // Whether it is there at all is for its messages to tell.
  }
}

/** Forgets them, as somebody else may sign in. */
export function forgetTitles(): void {
  unlisted.value = null;
}
