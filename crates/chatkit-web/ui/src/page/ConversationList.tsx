/** The conversations under the periods in which they changed last, as far as one scrolls. */

import type { Conversation } from "@chatkit-rs/client";
import { useEffect, useRef } from "preact/hooks";

import { Notice } from "../controls/Notice";
import { period } from "../lib/time";
import { ConversationItem } from "./ConversationItem";
import {
  conversations,
  hasMoreConversations,
  isListLoading,
  listProblem,
  query,
  readMoreConversations,
  refreshConversations,
} from "./conversations";
import { connection } from "./server";

export function ConversationList() {
  const listed = conversations.value;
  return (
    <div class="conversations" aria-busy={isListLoading.value}>
      {listed !== null && listed.length === 0 && <Nothing />}
      {groups(listed ?? []).map(([name, group]) => (
        <section key={name} aria-label={name}>
          <h2>{name}</h2>
          <ul>
            {group.map((conversation) => (
              <ConversationItem key={conversation.id} conversation={conversation} />
            ))}
          </ul>
        </section>
      ))}
      {listProblem.value !== null && !connection.isOffline.value && (
        <Notice
          text={listProblem.value}
          onAction={() => void (listed === null ? refreshConversations() : readMoreConversations())}
        />
      )}
      {hasMoreConversations.value && listProblem.value === null && <More />}
    </div>
  );
}

function Nothing() {
  const text = query.value.trim() === "" ? "Your conversations will be listed here." : "Nothing was found.";
  return <p class="nothing">{text}</p>;
}

/** The end of what was read: where it comes into sight, the next page is read. */
function More() {
  const element = useRef<HTMLDivElement>(null);
  // A page that is on its way may end the wait, or have ended another.
  const isLoading = isListLoading.value;
  const count = conversations.value?.length;
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) {
        void readMoreConversations();
      }
    });
    if (element.current) {
      observer.observe(element.current);
    }
    return () => observer.disconnect();
  }, [count, isLoading]);
  return (
    <div class="more" ref={element}>
      <span class="spinner" role="img" aria-label="Reading more" />
    </div>
  );
}

function groups(listed: readonly Conversation[]): readonly (readonly [string, readonly Conversation[]])[] {
  const now = new Date();
  const found = new Map<string, Conversation[]>();
  for (const conversation of listed) {
    const name = period(conversation.updated_at, now);
    found.set(name, [...(found.get(name) ?? []), conversation]);
  }
  return [...found];
}
