/** A conversation in which nothing was said yet. */

import type { Chat } from "../state/chat";
import { focusComposer, hasKeyboard } from "./composer-focus";
import { Mark } from "./Mark";

const STARTERS = ["Add a task to buy groceries", "Show me all my tasks", "Mark task 1 as complete"];

export function EmptyState({ chat }: { chat: Chat }) {
  const send = (starter: string) => {
    void chat.send(starter);
    if (hasKeyboard) {
      focusComposer();
    }
  };
  return (
    <div class="middle greeting">
      <Mark />
      <h2>{greeting(new Date())}</h2>
      <p>Ask anything, or begin with one of these.</p>
      <ul class="starters">
        {STARTERS.map((starter) => (
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

function greeting(now: Date): string {
  const hour = now.getHours();
  if (hour < 5 || hour >= 18) {
    return "Good evening";
  }
  return hour < 12 ? "Good morning" : "Good afternoon";
}
