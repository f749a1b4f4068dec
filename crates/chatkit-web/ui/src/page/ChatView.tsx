/** The open conversation: its messages, and the composer below them. */

import type { Chat } from "../chat/chat";
import { Composer } from "../chat/Composer";
import { Conversation } from "../chat/Conversation";
import { EmptyState, STARTERS } from "../chat/EmptyState";
import { ModelNote } from "../chat/ModelNote";
import { IconButton } from "../controls/IconButton";
import { isNarrow, openDrawer } from "./drawer";
import { greeting } from "./greeting";
import { Mark } from "./Mark";
import { newChat } from "./page";
import { info } from "./surroundings";
import { titleOf } from "./titles";

interface Props {
  chat: Chat;

  /** Whether the drawer lies above it. */
  isCovered: boolean;
}

export function ChatView({ chat, isCovered }: Props) {
  const isMissing = chat.phase.value === "missing";
  return (
    <main class="chat" inert={isCovered}>
      <Header chat={chat} />
      <Conversation chat={chat} empty={<Beginning chat={chat} />} missing={<Missing />} />
      {!isMissing && (
        <div class="dock">
          <Composer chat={chat} />
          <ModelNote info={info.value} />
        </div>
      )}
    </main>
  );
}

function Header({ chat }: { chat: Chat }) {
  const id = chat.id.value;
  return (
    <header class="chat-head">
      {isNarrow.value && (
        <IconButton icon="menu" name="Conversations" onClick={openDrawer} />
      )}
      <h1>{id === null ? "New chat" : (titleOf(id) ?? "Conversation")}</h1>
      {isNarrow.value && <IconButton icon="plus" name="New chat" onClick={newChat} />}
    </header>
  );
}

function Beginning({ chat }: { chat: Chat }) {
  return (
    <EmptyState chat={chat} heading={greeting(new Date())} starters={STARTERS}>
      <Mark />
    </EmptyState>
  );
}

function Missing() {
  return (
    <>
      <h2>This conversation is not here</h2>
      <p>It may have been deleted, or the link may be somebody else’s.</p>
      <button type="button" class="button" onClick={newChat}>
        New chat
      </button>
    </>
  );
}
