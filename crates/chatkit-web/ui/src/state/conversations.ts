/** The list of conversations: read in pages, searched, and kept in step with what is done to them. */

import type { Conversation } from "@chatkit-rs/client";
import { computed, signal } from "@preact/signals";

import { isAbort, problemText } from "../lib/problem-text";
import { client } from "./api";

const PAGE_SIZE = 30;

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

let reading = new AbortController();
let typing: number | undefined;

/** Looks for a text, as soon as the typing pauses. */
export function search(text: string): void {
  query.value = text;
  window.clearTimeout(typing);
  typing = window.setTimeout(() => void readFirstPage(true), text.trim() === "" ? 0 : TYPING_PAUSE);
}

/** Reads the newest conversations again; those behind them stay as they are. */
export function refreshConversations(): Promise<void> {
  return readFirstPage(false);
}

/** Reads the next page. */
export async function readMoreConversations(): Promise<void> {
  if (isListLoading.value || nextCursor.value === null) {
    return;
  }
  await read(nextCursor.value, (page, cursor) => {
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

/** Takes a conversation off the list. */
export function dropConversation(id: string): void {
  conversations.value = conversations.value?.filter((other) => other.id !== id) ?? null;
}

/** Forgets everything, as nobody is signed in any more. */
export function forgetConversations(): void {
  reading.abort();
  query.value = "";
  conversations.value = null;
  nextCursor.value = null;
  listProblem.value = null;
}

/** Reads the first page: instead of all that is listed, or in front of what was read behind it. */
async function readFirstPage(isNewList: boolean): Promise<void> {
  reading.abort();
  reading = new AbortController();
  await read(null, (page, cursor) => {
    const known = isNewList ? [] : (conversations.value ?? []);
    const last = page.at(-1);
    const ids = new Set(page.map(({ id }) => id));
    // What is newer than the page's end and not on the page is gone.
    const behind =
      last === undefined || cursor === null
        ? []
        : known.filter((other) => !ids.has(other.id) && byTime(other, last) > 0);
    conversations.value = [...page, ...behind];
    nextCursor.value = behind.length === 0 ? cursor : nextCursor.value;
  });
}

async function read(
  cursor: string | null,
  take: (page: readonly Conversation[], cursor: string | null) => void,
): Promise<void> {
  const { signal } = reading;
  const q = query.value.trim();
  isListLoading.value = true;
  try {
    const page = await client.getConversations(
      { limit: PAGE_SIZE, cursor, q: q === "" ? undefined : [...q].slice(0, 200).join("") },
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
