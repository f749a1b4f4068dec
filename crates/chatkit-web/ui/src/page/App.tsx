/** The whole page. */

import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { chat } from "./page";
import { ChatView } from "./ChatView";
import { closeDrawer, isDrawerOpen, isNarrow, openDrawer } from "./drawer";
import { connection } from "./server";
import { session } from "./session";
import { Sidebar } from "./Sidebar";
import { SignIn } from "./SignIn";
import { announcer } from "./surroundings";
import { titleOf } from "./titles";
import { ToastList } from "./ToastList";

/** The search box, which a key leads to. */
const focusSearch = signal(0);

export function App() {
  useEffect(() => effect(nameDocument), []);
  useEffect(() => {
    document.addEventListener("keydown", takeKey);
    return () => document.removeEventListener("keydown", takeKey);
  }, []);
  return (
    <>
      <div role="status">
        {connection.isOffline.value && <p class="banner">You are offline. Trying again…</p>}
      </div>
      <Body />
      <ToastList />
      <div class="visually-hidden" aria-live="polite" role="status">
        {announcer.text.value}
      </div>
    </>
  );
}

function Body() {
  const { value: current } = session;
  if (current.state === "out") {
    return <SignIn why={current.why} />;
  }
  if (current.state === "asking" || chat.value === null) {
    return (
      <main class="opening" aria-busy="true" aria-label="Opening">
        <span class="spinner" />
      </main>
    );
  }
  const isCovered = isNarrow.value && isDrawerOpen.value;
  return (
    <div class="app">
      <Sidebar focusSearch={focusSearch} />
      {isCovered && <div class="scrim" onClick={closeDrawer} />}
      <ChatView key={chat.value.serial} chat={chat.value} isCovered={isCovered} />
    </div>
  );
}

function takeKey(event: KeyboardEvent): void {
  if (session.value.state !== "in") {
    return;
  }
  const isCommand = (event.metaKey || event.ctrlKey) && !event.shiftKey && !event.altKey;
  if (isCommand && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openDrawer();
    focusSearch.value += 1;
  } else if (event.key === "Escape") {
    closeDrawer();
  }
}

/** Names the tab after the open conversation. */
function nameDocument(): void {
  const title = titleOf(chat.value?.id.value ?? null);
  document.title = title === null ? "Chat" : `${title} – Chat`;
}
