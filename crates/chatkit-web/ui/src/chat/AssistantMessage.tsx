/** An answer: its reasoning, its texts and tool calls, and the actions on it. */

import type { Feedback, Message } from "@chatkit-rs/client";
import { useSignal } from "@preact/signals";

import { CopyButton } from "../controls/CopyButton";
import { Icon } from "../controls/Icon";
import { IconButton } from "../controls/IconButton";
import { Notice } from "../controls/Notice";
import { problemText } from "../lib/problem-text";
import { fullTime, timeOfDay } from "../lib/time";
import { Markdown } from "../markdown/Markdown";
import type { Chat } from "./chat";
import { incompleteText } from "./incomplete";
import { partsOf } from "./parts";
import { Reasoning } from "./Reasoning";
import { ToolCard } from "./ToolCard";

interface Props {
  chat: Chat;
  message: Message;

  /** The user's message that it answers. */
  answered: string | undefined;

  /** Whether it is the newest message and nothing is being written. */
  isLast: boolean;
}

export function AssistantMessage({ chat, message, answered, isLast }: Props) {
  const again =
    isLast && answered !== undefined ? () => void chat.answerAgain(answered) : undefined;
  const offersAgain = message.status === "incomplete" && message.incomplete_reason !== "length";
  return (
    <article class="message assistant" aria-label="Answer">
      {message.reasoning && (
        <Reasoning text={message.reasoning} state={chat.reasoningStates.of(message.id)} />
      )}
      {partsOf(message.content, message.tool_calls ?? []).map((part, index) =>
        typeof part === "string" ? (
          <Markdown key={index} text={part} />
        ) : (
          <ToolCard key={part.id} toolCall={part} />
        ),
      )}
      <Incomplete chat={chat} message={message} isLast={isLast} again={again} />
      <Actions chat={chat} message={message} again={offersAgain ? undefined : again} />
    </article>
  );
}

interface IncompleteProps {
  chat: Chat;
  message: Message;
  isLast: boolean;
  again: (() => void) | undefined;
}

/** Why the answer is incomplete, and the next step. */
function Incomplete({ chat, message, isLast, again }: IncompleteProps) {
  const text = incompleteText(message);
  if (text === null) {
    return null;
  }
  const { label, onClick } =
    message.incomplete_reason === "length"
      ? { label: "Continue", onClick: isLast ? () => askToContinue(chat) : undefined }
      : { label: "Try again", onClick: again };
  return (
    <p class="incomplete">
      <Icon name="pause" />
      {text}
      {onClick && (
        <button type="button" class="link-button" onClick={onClick}>
          {label}
        </button>
      )}
    </p>
  );
}

function askToContinue(chat: Chat): void {
  void chat.send("Continue");
  chat.surroundings.composerFocus.offer();
}

interface ActionsProps {
  chat: Chat;
  message: Message;
  again: (() => void) | undefined;
}

function Actions({ chat, message, again }: ActionsProps) {
  const problem = useSignal<{ text: string; kind: Feedback } | null>(null);
  const rate = async (kind: Feedback) => {
    problem.value = null;
    try {
      await chat.rate(message, kind);
    } catch (error) {
      problem.value = { text: `The rating was not kept. ${problemText(error)}`, kind };
    }
  };
  return (
    <>
      <div class="actions">
        <CopyButton text={message.content} />
        <IconButton
          icon="up"
          name="Good answer"
          isPressed={message.feedback === "positive"}
          onClick={() => void rate("positive")}
        />
        <IconButton
          icon="down"
          name="Bad answer"
          isPressed={message.feedback === "negative"}
          onClick={() => void rate("negative")}
        />
        {again && <IconButton icon="again" name="Answer again" onClick={again} />}
        <time class="time" dateTime={message.created_at} title={whenAndBy(message)}>
          {timeOfDay(message.created_at)}
        </time>
      </div>
      {problem.value !== null && (
        <Notice text={problem.value.text} onAction={() => problem.value && void rate(problem.value.kind)} />
      )}
    </>
  );
}

function whenAndBy({ created_at, model }: Message): string {
  return model === null ? fullTime(created_at) : `${fullTime(created_at)}, by ${model}`;
}
