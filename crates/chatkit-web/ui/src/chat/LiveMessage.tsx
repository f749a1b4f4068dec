/** An answer while it is written. */

import { GrowingMarkdown } from "../markdown/Markdown";
import type { LiveAnswer } from "./live-answer";
import { partsOf } from "./parts";
import { Reasoning } from "./Reasoning";
import { ToolCard } from "./ToolCard";

export function LiveMessage({ live }: { live: LiveAnswer }) {
  const parts = partsOf(live.text.value, live.toolCalls.value);
  const reasoningState = live.reasoningState.value;
  const isWaiting = typeof parts.at(-1) !== "string" && !reasoningState?.isGrowing.value;
  return (
    <article class="message assistant live" aria-label="Answer" aria-busy="true">
      {reasoningState && <Reasoning text={live.reasoning.value} state={reasoningState} />}
      {parts.map((part, index) =>
        typeof part === "string" ? (
          <GrowingMarkdown key={index} text={part} />
        ) : (
          <ToolCard key={part.id} toolCall={part} />
        ),
      )}
      {isWaiting && <Waiting isStopping={live.isStopping.value} />}
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
