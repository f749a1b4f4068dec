/** An answer while it is written. */

import { GrowingMarkdown } from "../markdown/Markdown";
import type { LiveAnswer } from "./live-answer";
import { ToolCard } from "./ToolCard";

export function LiveMessage({ live }: { live: LiveAnswer }) {
  const text = live.text.value;
  return (
    <article class="message assistant live" aria-label="Answer" aria-busy="true">
      {live.toolCalls.value.map((toolCall) => (
        <ToolCard key={toolCall.id} toolCall={toolCall} />
      ))}
      {text === "" ? <Waiting isStopping={live.isStopping.value} /> : <GrowingMarkdown text={text} />}
    </article>
  );
}

function Waiting({ isStopping }: { isStopping: boolean }) {
  return (
    <p class="waiting">
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span class="visually-hidden">{isStopping ? "Stopping" : "The answer is being written"}</span>
    </p>
  );
}
