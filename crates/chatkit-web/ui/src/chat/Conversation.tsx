/** What is seen of a conversation, as far as it could be read. */

import type { ComponentChildren } from "preact";

import { Notice } from "../controls/Notice";
import type { Chat } from "./chat";
import { MessageList } from "./MessageList";

interface Props {
  chat: Chat;

  /** What stands there before anything was said. */
  empty: ComponentChildren;

  /** What stands there where there is no such conversation; else it is waited for another one. */
  missing?: ComponentChildren;
}

export function Conversation({ chat, empty, missing }: Props) {
  const phase = chat.phase.value;
  if (phase === "ready") {
    return chat.isEmpty ? <>{empty}</> : <MessageList key={chat.serial} chat={chat} />;
  }
  if (phase === "failed") {
    return (
      <div class="middle">
        <Notice
          text={chat.historyProblem.value ?? "The messages could not be read."}
          onAction={() => void chat.load()}
        />
      </div>
    );
  }
  if (phase === "missing" && missing !== undefined) {
    return <div class="middle">{missing}</div>;
  }
  return (
    <div class="middle" role="status">
      <span class="spinner" role="img" aria-label="Reading the messages" />
    </div>
  );
}
