/** An answer while it is written: text and reasoning that grow, and tools at work. */

import type { Run, ToolCall } from "@chatkit-rs/client";
import { batch, signal } from "@preact/signals";

import type { ReasoningState, ReasoningStates } from "./reasoning-state";

/** A long text grows less often, as showing it takes longer. */
const CHARACTERS_PER_MILLISECOND = 500;

/** The part of an active run that is shown. */
export class LiveAnswer {
  /** The text of the message that is being written. It grows once per frame at most. */
  readonly text = signal("");

  /** The reasoning of that message. It grows together with the text. */
  readonly reasoning = signal("");

  /** The state of that reasoning; `null` until there is some. */
  readonly reasoningState = signal<ReasoningState | null>(null);

  /** The tools called since the last message that was completed. */
  readonly toolCalls = signal<readonly ToolCall[]>([]);

  /** Whether the run was asked to stop. */
  readonly isStopping = signal(false);

  #messageId: string | null = null;
  #arrivedText = "";
  #arrivedReasoning = "";
  #timer: number | undefined;
  #frame = 0;

  /** `isFromStart`: whether its events arrive when they happen, from the first one on. */
  constructor(
    readonly run: Run,
    private readonly reasoningStates: ReasoningStates,
    private readonly isFromStart: boolean,
  ) {}

  /** Adds to the text of a message. */
  append(messageId: string, text: string): void {
    this.#moveTo(messageId);
    this.reasoningState.value?.pause();
    this.#arrivedText += text;
    this.#showSoon();
  }

  /** Adds to the reasoning of a message. */
  appendReasoning(messageId: string, text: string): void {
    this.#moveTo(messageId);
    this.reasoningState.value ??= this.reasoningStates.start(messageId, this.isFromStart);
    this.reasoningState.value.notePiece();
    this.#arrivedReasoning += text;
    this.#showSoon();
  }

  /** Shows a tool call as it is now. */
  putToolCall(toolCall: ToolCall): void {
    this.reasoningState.value?.pause();
    const calls = this.toolCalls.value;
    this.toolCalls.value = calls.some(({ id }) => id === toolCall.id)
      ? calls.map((other) => (other.id === toolCall.id ? toolCall : other))
      : [...calls, toolCall];
  }

  /** Removes the parts that a completed message has, as that message is shown instead. */
  complete(messageId: string, toolCalls: readonly ToolCall[]): void {
    if (this.#messageId === messageId) {
      this.#moveTo(null);
    }
    const shown = new Set(toolCalls.map(({ id }) => id));
    this.toolCalls.value = this.toolCalls.value.filter(({ id }) => !shown.has(id));
  }

  /** Ends it. */
  dispose(): void {
    window.clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
  }

  /** Starts the next message, unless this one goes on. */
  #moveTo(messageId: string | null): void {
    if (messageId !== this.#messageId) {
      this.#messageId = messageId;
      this.#arrivedText = "";
      this.#arrivedReasoning = "";
      this.reasoningState.value?.pause();
      this.reasoningState.value = null;
      this.#show();
    }
  }

  #showSoon(): void {
    this.#timer ??= window.setTimeout(() => {
      this.#frame = requestAnimationFrame(() => {
        this.#timer = undefined;
        this.#show();
      });
    }, this.#arrivedText.length / CHARACTERS_PER_MILLISECOND);
  }

  #show(): void {
    batch(() => {
      this.text.value = this.#arrivedText;
      this.reasoning.value = this.#arrivedReasoning;
    });
  }
}
