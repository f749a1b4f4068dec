/** The whole page. */

import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { announcement } from "../state/announcer";
import { chat } from "../state/app";
import { isOffline } from "../state/connection";
import { conversations } from "../state/conversations";
import { session } from "../state/session";
import { ChatView } from "./ChatView";
import { closeDrawer, isDrawerOpen, isNarrow, openDrawer } from "./drawer";
import { Sidebar } from "./Sidebar";
import { SignIn } from "./SignIn";
import { Toasts } from "./Toasts";

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
      {isOffline.value && (
        <div class="banner" role="status">
          You are offline. Trying again…
        </div>
      )}
      <Body />
      <Toasts />
      <div class="visually-hidden" aria-live="polite" role="status">
        {announcement.value}
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
  const id = chat.value?.id.value;
  const listed = conversations.value?.find((conversation) => conversation.id === id)?.title;
  const title = listed ?? chat.value?.title.value ?? null;
  document.title = title === null ? "Chat" : `${title} – Chat`;
}
