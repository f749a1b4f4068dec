/** Where messages are typed. */

import { MAX_MESSAGE_CHARS } from "@chatkit-rs/client";
import { useLayoutEffect, useRef } from "preact/hooks";

import { Icon } from "../controls/Icon";
import { Notice } from "../controls/Notice";
import type { Chat } from "./chat";

/** The share of the limit from which on it is worth counting. */
const COUNTED_FROM = 0.9;

interface Props {
  chat: Chat;
  placeholder?: string;
}

export function Composer({ chat, placeholder = "Write a message" }: Props) {
  const input = useRef<HTMLTextAreaElement>(null);
  const text = chat.typed.text.value;
  const limit = chat.surroundings.info.value?.limits.message_chars ?? MAX_MESSAGE_CHARS;
  const length = text.length < limit * COUNTED_FROM ? 0 : [...text.trim()].length;
  const isCounted = length >= limit * COUNTED_FROM;
  const isTooLong = length > limit;
  const isReady = text.trim() !== "" && !isTooLong && chat.phase.value === "ready";

  useGrowing(input, text);
  const { composerFocus } = chat.surroundings;
  useLayoutEffect(() => {
    if (composerFocus.take()) {
      input.current?.focus();
    }
  }, [composerFocus.count]);

  const send = () => {
    if (isReady && !chat.isBusy) {
      void chat.send();
      composerFocus.ask();
    }
  };
  const takeKey = (event: KeyboardEvent) => {
    // Enter also ends what an input method composes; some report that by its old number alone.
    const isComposing = event.isComposing || event.keyCode === 229;
    if (event.key === "Enter" && !event.shiftKey && !isComposing) {
      event.preventDefault();
      send();
    }
  };

  return (
    <div class="composer">
      {chat.sendProblem.value !== null && <SendProblem chat={chat} isReady={isReady} send={send} />}
      <div class="field" data-invalid={isTooLong}>
        <textarea
          ref={input}
          rows={1}
          value={text}
          placeholder={placeholder}
          dir="auto"
          aria-label="Message"
          aria-invalid={isTooLong}
          aria-describedby={isCounted ? "count" : undefined}
          enterkeyhint="send"
          onInput={({ currentTarget }) => chat.type(currentTarget.value)}
          onKeyDown={takeKey}
        />
        {isCounted && (
          <span class="count" id="count" role="status">
            {length.toLocaleString()} of {limit.toLocaleString()}
          </span>
        )}
        <SendButton chat={chat} isReady={isReady} send={send} />
      </div>
    </div>
  );
}

interface SendProps {
  chat: Chat;
  isReady: boolean;
  send: () => void;
}

function SendProblem({ chat, isReady, send }: SendProps) {
  const { text, again } = chat.sendProblem.value ?? { text: "", again: null };
  const action = again === "send" ? (isReady ? send : null) : again;
  return action !== null && !chat.isBusy ? <Notice text={text} onAction={action} /> : <Notice text={text} />;
}

/** Sends, or stops the answer while one is written. */
function SendButton({ chat, isReady, send }: SendProps) {
  if (chat.isBusy) {
    const isStopping = chat.live.value?.isStopping.value ?? false;
    const name = isStopping ? "Stopping" : "Stop";
    return (
      <button
        type="button"
        class="send"
        title={name}
        aria-label={name}
        disabled={isStopping}
        onClick={() => void chat.stop()}
      >
        <span class="stop" />
      </button>
    );
  }
  return (
    <button type="button" class="send" title="Send" aria-label="Send" disabled={!isReady} onClick={send}>
      <Icon name="send" />
    </button>
  );
}

/** Has the field as high as its text; the style sheet says how high at most. */
function useGrowing(input: { current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    const { current: area } = input;
    if (area) {
      area.style.height = "auto";
      area.style.height = `${area.scrollHeight}px`;
    }
  }, [input, text]);
}
