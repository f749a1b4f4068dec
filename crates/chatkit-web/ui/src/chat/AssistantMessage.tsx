/** An answer, with the tools that led to it and what can be done with it. */

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
import { ToolCard } from "./ToolCard";

interface Props {
  chat: Chat;
  message: Message;

  /** The user's message that it answers. */
  answered: string | undefined;

  /** Whether it is the last one, which can be written again. */
  isLast: boolean;
}

export function AssistantMessage({ chat, message, answered, isLast }: Props) {
  const isStopped = message.status === "incomplete";
  const again =
    isLast && answered !== undefined ? () => void chat.answerAgain(answered) : undefined;
  return (
    <article class="message assistant" aria-label="Answer">
      {message.tool_calls?.map((toolCall) => (
        <ToolCard key={toolCall.id} toolCall={toolCall} />
      ))}
      <Markdown text={message.content} />
      {isStopped && (
        <p class="stopped">
          <Icon name="pause" />
          Stopped
          {again && (
            <button type="button" class="link-button" onClick={again}>
              Try again
            </button>
          )}
        </p>
      )}
      <Actions chat={chat} message={message} again={isStopped ? undefined : again} />
    </article>
  );
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
