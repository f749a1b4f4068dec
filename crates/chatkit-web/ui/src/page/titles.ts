/** What conversations are called, also those that are not in the list. */

import { signal } from "@preact/signals";

import { conversations } from "./conversations";
import { client } from "./server";

/** A conversation that was opened and is not listed. */
const unlisted = signal<{ id: string; title: string } | null>(null);

let reading = new AbortController();

/** The title of a conversation; `null` where it is not known. */
export function titleOf(id: string | null): string | null {
  const listed = conversations.value?.find((conversation) => conversation.id === id)?.title;
  return listed ?? (unlisted.value?.id === id ? unlisted.value.title : null);
}

/** Asks for the title of a conversation that is opened, where it is not in the list. */
export async function readTitle(id: string): Promise<void> {
  forgetTitles();
  if (titleOf(id) !== null) {
    return;
  }
  const { signal } = reading;
  try {
    const { title } = await client.getConversation(id, { signal });
    unlisted.value = { id, title };
  } catch {
    // Whether it is there at all is for its messages to tell.
  }
}

/** Forgets them, as another conversation is opened, or somebody else signs in. */
export function forgetTitles(): void {
  reading.abort();
  reading = new AbortController();
  unlisted.value = null;
}
