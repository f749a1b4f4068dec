/** An answer while it is written: text that grows, and tools at work. */

import type { Run, ToolCall } from "@chatkit-rs/client";
import { signal } from "@preact/signals";

/** A long text grows less often, as showing it takes longer. */
const CHARACTERS_PER_MILLISECOND = 500;

/** What is shown of a run that has not ended. */
export class LiveAnswer {
  /** The text of the message that is being written. It grows once per frame at most. */
  readonly text = signal("");

  /** The tools called since the last message that was completed. */
  readonly toolCalls = signal<readonly ToolCall[]>([]);

  /** Whether the run was asked to stop. */
  readonly isStopping = signal(false);

  #messageId: string | null = null;
  #arrived = "";
  #timer: number | undefined;
  #frame = 0;

  constructor(readonly run: Run) {}

  /** Adds to a message. */
  append(messageId: string, text: string): void {
    if (messageId !== this.#messageId) {
      this.#messageId = messageId;
      this.#arrived = "";
    }
    this.#arrived += text;
    this.#timer ??= window.setTimeout(() => {
      this.#frame = requestAnimationFrame(() => {
        this.#timer = undefined;
        this.text.value = this.#arrived;
      });
    }, this.#arrived.length / CHARACTERS_PER_MILLISECOND);
  }

  /** Shows a tool call as it is now. */
  putToolCall(toolCall: ToolCall): void {
    const calls = this.toolCalls.value;
    this.toolCalls.value = calls.some(({ id }) => id === toolCall.id)
      ? calls.map((other) => (other.id === toolCall.id ? toolCall : other))
      : [...calls, toolCall];
  }

  /** Takes away what a completed message has, as that is shown instead. */
  complete(messageId: string, toolCalls: readonly ToolCall[]): void {
    if (this.#messageId === messageId) {
      this.#messageId = null;
      this.#arrived = "";
      this.text.value = "";
    }
    const shown = new Set(toolCalls.map(({ id }) => id));
    this.toolCalls.value = this.toolCalls.value.filter(({ id }) => !shown.has(id));
  }

  /** Ends it. */
  dispose(): void {
    window.clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
  }
}
