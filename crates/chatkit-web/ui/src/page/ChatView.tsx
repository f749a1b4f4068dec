/** The open conversation: its messages, and the composer below them. */

import type { Chat } from "../state/chat";
import { info, newChat } from "../state/app";
import { conversations } from "../state/conversations";
import { Composer } from "./Composer";
import { isNarrow, openDrawer } from "./drawer";
import { EmptyState } from "./EmptyState";
import { IconButton } from "./IconButton";
import { MessageList } from "./MessageList";
import { Notice } from "./Notice";

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
      <Content chat={chat} />
      {!isMissing && (
        <div class="dock">
          <Composer chat={chat} />
          <ModelNote />
        </div>
      )}
    </main>
  );
}

function Header({ chat }: { chat: Chat }) {
  const id = chat.id.value;
  const listed = conversations.value?.find((conversation) => conversation.id === id)?.title;
  return (
    <header class="chat-head">
      {isNarrow.value && (
        <IconButton icon="menu" name="Conversations" onClick={openDrawer} />
      )}
      <h1>{id === null ? "New chat" : (listed ?? chat.title.value ?? "Conversation")}</h1>
      {isNarrow.value && <IconButton icon="plus" name="New chat" onClick={newChat} />}
    </header>
  );
}

function Content({ chat }: { chat: Chat }) {
  switch (chat.phase.value) {
    case "missing":
      return (
        <div class="middle">
          <h2>This conversation is not here</h2>
          <p>It may have been deleted, or the link may be somebody else’s.</p>
          <button type="button" class="button" onClick={newChat}>
            New chat
          </button>
        </div>
      );
    case "failed":
      return (
        <div class="middle">
          <Notice
            text={chat.historyProblem.value ?? "The messages could not be read."}
            onAction={() => void chat.load()}
          />
        </div>
      );
    case "loading":
      return (
        <div class="middle" role="status">
          <span class="spinner" role="img" aria-label="Reading the messages" />
        </div>
      );
    case "ready":
      return isEmpty(chat) ? <EmptyState chat={chat} /> : <MessageList chat={chat} />;
  }
}

function isEmpty(chat: Chat): boolean {
  return (
    chat.history.messages.value.length === 0 && chat.sending.value === null && chat.live.value === null
  );
}

/** Who answers. */
function ModelNote() {
  const { value: server } = info;
  if (server === null) {
    return null;
  }
  const text =
    server.provider === "rules"
      ? "No model is configured: a few built-in rules answer."
      : `${server.model} answers. It can be wrong; check what matters.`;
  return <p class="model-note">{text}</p>;
}
