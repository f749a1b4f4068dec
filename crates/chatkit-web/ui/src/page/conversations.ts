/** The list of conversations: read in pages, searched, and kept in step with what is done to them. */

import type { Conversation } from "@chatkit-rs/client";
import { computed, signal } from "@preact/signals";

import { isAbort, problemText } from "../lib/problem-text";
import { client } from "./server";

const PAGE_SIZE = 30;

/** More the server does not look for. */
const LONGEST_QUERY = 200;

/** How long to wait for the next key before a search is sent. */
const TYPING_PAUSE = 250;

/** What is looked for; empty for everything. */
export const query = signal("");

/** The conversations read so far, the one that changed last first; `null` before the first answer. */
export const conversations = signal<readonly Conversation[] | null>(null);

/** Whether a page is on its way. */
export const isListLoading = signal(false);

/** What became of the last page, if it did not come. */
export const listProblem = signal<string | null>(null);

/** Where the next page begins. */
const nextCursor = signal<string | null>(null);

/** Whether there are conversations behind those that were read. */
export const hasMoreConversations = computed(() => nextCursor.value !== null);

/** What was looked for when they were read. */
let listedQuery = "";

let reading = new AbortController();
let typing: number | undefined;

/** Looks for a text, as soon as the typing pauses. */
export function search(text: string): void {
  query.value = text;
  window.clearTimeout(typing);
  typing = window.setTimeout(refreshConversations, text.trim() === "" ? 0 : TYPING_PAUSE);
}

/** Reads the first page: in front of what was read behind it, or of nothing after another search. */
export async function refreshConversations(): Promise<void> {
  reading.abort();
  reading = new AbortController();
  const q = [...query.value.trim()].slice(0, LONGEST_QUERY).join("");
  await read(q, null, (page, cursor) => {
    const known = q === listedQuery ? (conversations.value ?? []) : [];
    const last = page.at(-1);
    const ids = new Set(page.map(({ id }) => id));
    // What is newer than the page's end and not on the page is gone.
    const behind =
      last === undefined || cursor === null
        ? []
        : known.filter((other) => !ids.has(other.id) && byTime(other, last) > 0);
    listedQuery = q;
    conversations.value = [...page, ...behind];
    nextCursor.value = behind.length === 0 ? cursor : nextCursor.value;
  });
}

/** Reads the next page. */
export async function readMoreConversations(): Promise<void> {
  if (isListLoading.value || nextCursor.value === null) {
    return;
  }
  await read(listedQuery, nextCursor.value, (page, cursor) => {
    const known = conversations.value ?? [];
    const ids = new Set(known.map(({ id }) => id));
    conversations.value = [...known, ...page.filter(({ id }) => !ids.has(id))];
    nextCursor.value = cursor;
  });
}

/** Puts a conversation at its place, in its newest form. */
export function putConversation(conversation: Conversation): void {
  const others = (conversations.value ?? []).filter(({ id }) => id !== conversation.id);
  conversations.value = [...others, conversation].sort(byTime);
}

/** Takes a conversation off the list. A page that is on its way may still have it. */
export function dropConversation(id: string): void {
  reading.abort();
  isListLoading.value = false;
  conversations.value = conversations.value?.filter((other) => other.id !== id) ?? null;
}

/** Forgets everything, as nobody is signed in any more. */
export function forgetConversations(): void {
  window.clearTimeout(typing);
  reading.abort();
  isListLoading.value = false;
  query.value = "";
  conversations.value = null;
  nextCursor.value = null;
  listProblem.value = null;
}

async function read(
  q: string,
  cursor: string | null,
  take: (page: readonly Conversation[], cursor: string | null) => void,
): Promise<void> {
  const { signal } = reading;
  isListLoading.value = true;
  try {
    const page = await client.getConversations(
      { limit: PAGE_SIZE, cursor, q: q === "" ? undefined : q },
      { signal },
    );
    listProblem.value = null;
    take(page.conversations, page.next_cursor);
  } catch (error) {
    if (!signal.aborted && !isAbort(error)) {
      listProblem.value = problemText(error);
    }
  } finally {
    if (!signal.aborted) {
      isListLoading.value = false;
    }
  }
}

function byTime(one: Conversation, other: Conversation): number {
  return other.updated_at.localeCompare(one.updated_at);
}
