/** A conversation in which nothing was said yet. */

import type { ComponentChildren } from "preact";

import type { Chat } from "./chat";
import { focusComposer, hasKeyboard } from "./composer-focus";

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
    if (hasKeyboard) {
      focusComposer();
    }
  };
  return (
    <div class="middle greeting">
      {children}
      <h2>{heading}</h2>
      <p>{starters.length === 0 ? "Ask anything." : "Ask anything, or begin with one of these."}</p>
      <ul class="starters">
        {starters.map((starter) => (
          <li key={starter}>
            <button type="button" onClick={() => send(starter)}>
              {starter}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
