/** The model's reasoning, folded until the user opens it. It is shown as plain text. */

import { useLayoutEffect, useRef } from "preact/hooks";

import { Icon } from "../controls/Icon";
import type { ReasoningState } from "./reasoning-state";

/** A reader this near to the end follows the text, in pixels. */
const NEAR_END = 24;

interface Props {
  text: string;
  state: ReasoningState;
}

export function Reasoning({ text, state }: Props) {
  const isOpen = state.isOpen.value;
  const isGrowing = state.isGrowing.value;
  return (
    <details
      class="reasoning"
      open={isOpen}
      onToggle={({ currentTarget }) => (state.isOpen.value = currentTarget.open)}
    >
      <summary>
        {isGrowing && <span class="spinner" />}
        <span>{isGrowing ? "Thinking…" : thoughtFor(state.time.value)}</span>
        <Icon name="chevron" />
      </summary>
      {isOpen && <ReasoningText text={text} isGrowing={isGrowing} />}
    </details>
  );
}

function thoughtFor(milliseconds: number | null): string {
  return milliseconds === null
    ? "Reasoning"
    : `Thought for ${Math.max(1, Math.round(milliseconds / 1_000))} s`;
}

/** The text, whose end stays in view while it grows. */
function ReasoningText({ text, isGrowing }: { text: string; isGrowing: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const formerHeight = useRef(0);
  useLayoutEffect(() => {
    const { current: view } = box;
    if (view) {
      const isNearEnd = view.scrollTop + view.clientHeight >= formerHeight.current - NEAR_END;
      if (isGrowing && isNearEnd) {
        view.scrollTop = view.scrollHeight;
      }
      formerHeight.current = view.scrollHeight;
    }
  }, [text]);
  return (
    <div class="reasoning-text" dir="auto" tabIndex={0} role="region" aria-label="Reasoning" ref={box}>
      {text}
    </div>
  );
}
