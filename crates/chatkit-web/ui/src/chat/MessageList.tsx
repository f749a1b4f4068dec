/** The messages, which stay where they are read while others come. */

import type { Message } from "@chatkit-rs/client";
import { useMemo } from "preact/hooks";

import { Icon } from "../controls/Icon";
import { Notice } from "../controls/Notice";
import { AssistantMessage } from "./AssistantMessage";
import type { Chat } from "./chat";
import { LiveMessage } from "./LiveMessage";
import { ToolCard } from "./ToolCard";
import { useScrolling } from "./use-scrolling";
import { UserMessage } from "./UserMessage";

export function MessageList({ chat }: { chat: Chat }) {
  const messages = chat.history.messages.value;
  const { isAtEnd, scroller, content, toEnd } = useScrolling(chat);
  const live = chat.live.value;
  const sending = chat.sending.value;
  const isIdle = live === null && sending === null;
  // What only comes after the messages does not go through all of them.
  const entries = useMemo(
    () =>
      messages.map((message, index) => (
        <Entry
          key={message.id}
          chat={chat}
          message={message}
          answered={questionOf(messages, index)}
          isLast={isIdle && index === messages.length - 1}
        />
      )),
    [chat, messages, isIdle],
  );
  return (
    <section class="messages" aria-label="Messages">
      <h2 class="visually-hidden">Messages</h2>
      <div class="scroller" ref={scroller} tabIndex={0} role="region" aria-label="History">
        <div class="column" ref={content}>
          <Beginning chat={chat} />
          {entries}
          {sending !== null && live === null && <UserMessage text={sending} isSending />}
          {live !== null && <LiveMessage live={live} />}
          <Unanswered chat={chat} />
        </div>
      </div>
      {!isAtEnd.value && (
        <button type="button" class="to-end" onClick={toEnd}>
          <Icon name="arrowDown" />
          Jump to latest
        </button>
      )}
    </section>
  );
}

interface EntryProps {
  chat: Chat;
  message: Message;
  answered: string | undefined;
  isLast: boolean;
}

/** A message, which is looked at again only when it has changed: there may be thousands. */
function Entry({ chat, message, answered, isLast }: EntryProps) {
  return useMemo(
    () =>
      message.role === "user" ? (
        <UserMessage text={message.content} time={message.created_at} />
      ) : (
        <AssistantMessage chat={chat} message={message} answered={answered} isLast={isLast} />
      ),
    [chat, message, answered, isLast],
  );
}

/** Where the messages that were read begin. */
function Beginning({ chat }: { chat: Chat }) {
  // What is said of the connection is said above, and mended by itself.
  if (chat.historyProblem.value !== null && !chat.surroundings.connection.isOffline.value) {
    return <Notice text={chat.historyProblem.value} onAction={() => void chat.retryHistory()} />;
  }
  if (!chat.history.hasOlder.value) {
    return null;
  }
  return (
    <div class="more">
      <span class="spinner" role="img" aria-label="Reading older messages" />
    </div>
  );
}

/** Why the last message has no answer, and what was done nevertheless. */
function Unanswered({ chat }: { chat: Chat }) {
  const unanswered = chat.unanswered.value;
  if (unanswered === null || chat.isBusy) {
    return null;
  }
  return (
    <>
      {unanswered.toolCalls.map((toolCall) => (
        <ToolCard key={toolCall.id} toolCall={toolCall} />
      ))}
      <Notice text={unanswered.text} onAction={() => void chat.answerAgain(unanswered.messageId)} />
    </>
  );
}

/** The user's message that a message answers. */
function questionOf(messages: readonly Message[], index: number): string | undefined {
  if (messages[index]?.role === "user") {
    return undefined;
  }
  for (let before = index - 1; before >= 0; before--) {
    const message = messages[before];
    if (message?.role === "user") {
      return message.id;
    }
  }
  return undefined;
}
