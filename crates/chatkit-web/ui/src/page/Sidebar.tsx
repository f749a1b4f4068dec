/** The list of conversations, and everything that is not about one of them. */

import type { Signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

import { Icon } from "../controls/Icon";
import { IconButton } from "../controls/IconButton";
import { problemText } from "../lib/problem-text";
import { newChat, signOut } from "./page";
import { ConversationList } from "./ConversationList";
import { query, search } from "./conversations";
import { closeDrawer, isDrawerOpen, isNarrow } from "./drawer";
import { composerFocus } from "./surroundings";
import { toast } from "./toasts";

export function Sidebar({ focusSearch }: { focusSearch: Signal<number> }) {
  const isDrawer = isNarrow.value && isDrawerOpen.value;
  const isHidden = isNarrow.value && !isDrawerOpen.value;
  const nav = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    // A search that was asked for has the focus already.
    if (isDrawer && !nav.current?.contains(document.activeElement)) {
      nav.current?.querySelector("button")?.focus();
    }
  }, [isDrawer]);
  return (
    <nav
      ref={nav}
      class="sidebar"
      aria-label="Conversations"
      inert={isHidden}
      data-open={isDrawerOpen.value}
    >
      <div class="sidebar-head">
        <button type="button" class="new-chat" onClick={begin}>
          <Icon name="plus" />
          New chat
        </button>
        {isNarrow.value && (
          <IconButton icon="cross" name="Close the list" onClick={closeDrawer} />
        )}
      </div>
      <SearchBox focusSearch={focusSearch} />
      <ConversationList />
      <div class="sidebar-foot">
        <button type="button" class="quiet-button" onClick={leave}>
          <Icon name="leave" />
          Sign out
        </button>
      </div>
    </nav>
  );
}

function SearchBox({ focusSearch }: { focusSearch: Signal<number> }) {
  const input = useRef<HTMLInputElement>(null);
  const times = focusSearch.value;
  // Before the next key is taken, which belongs to the search.
  useLayoutEffect(() => {
    if (times > 0) {
      input.current?.focus();
      input.current?.select();
    }
  }, [times]);
  return (
    <div class="search">
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        placeholder="Search"
        aria-label="Search conversations"
        aria-keyshortcuts="Control+K Meta+K"
        maxLength={200}
        value={query.value}
        onInput={({ currentTarget }) => search(currentTarget.value)}
        onKeyDown={clearOnEscape}
      />
      <kbd aria-hidden="true">{isApple ? "⌘K" : "Ctrl K"}</kbd>
    </div>
  );
}

const isApple = /mac|iphone|ipad/i.test(navigator.userAgent);

/** Clears the search; where there is none, Escape closes the drawer as everywhere else. */
function clearOnEscape(event: KeyboardEvent): void {
  if (event.key === "Escape" && query.value !== "") {
    event.stopPropagation();
    event.preventDefault();
    search("");
  }
}

function begin(): void {
  newChat();
  closeDrawer();
  composerFocus.ask();
}

async function leave(): Promise<void> {
  try {
    await signOut();
  } catch (error) {
    toast(`You are still signed in. ${problemText(error)}`);
  }
}
