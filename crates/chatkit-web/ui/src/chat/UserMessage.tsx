/** What the user said, as it was typed. */

import { CopyButton } from "../controls/CopyButton";
import { fullTime, timeOfDay } from "../lib/time";

interface Props {
  text: string;
  time?: string;
  isSending?: boolean;
}

export function UserMessage({ text, time, isSending = false }: Props) {
  return (
    <article class="message user" aria-label="You" aria-busy={isSending}>
      <div class="bubble" dir="auto">{text}</div>
      <div class="actions">
        {time === undefined ? (
          <span class="time">Sending…</span>
        ) : (
          <>
            <time class="time" dateTime={time} title={fullTime(time)}>
              {timeOfDay(time)}
            </time>
            <CopyButton text={text} />
          </>
        )}
      </div>
    </article>
  );
}
