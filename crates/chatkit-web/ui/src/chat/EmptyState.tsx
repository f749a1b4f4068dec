/** A conversation in which nothing was said yet. */

import type { ComponentChildren } from "preact";

import type { Chat } from "./chat";

/** What may be said first, where nobody has said otherwise. */
export const STARTERS: readonly string[] = [
  "Add a task to buy groceries",
  "Show me all my tasks",
  "Mark task 1 as complete",
];

interface Props {
  chat: Chat;
  heading: string;
  starters: readonly string[];

  /** What stands above the heading. */
  children?: ComponentChildren;
}

export function EmptyState({ chat, heading, starters, children }: Props) {
  const send = (starter: string) => {
    void chat.send(starter);
    chat.surroundings.composerFocus.offer();
  };
  return (
    <div class="middle greeting">
      {children}
      <h2 dir="auto">{heading}</h2>
      <p>{starters.length === 0 ? "Ask anything." : "Ask anything, or begin with one of these."}</p>
      {starters.length > 0 && (
        <ul class="starters">
          {starters.map((starter) => (
            <li key={starter}>
              <button type="button" dir="auto" onClick={() => send(starter)}>
                {starter}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
