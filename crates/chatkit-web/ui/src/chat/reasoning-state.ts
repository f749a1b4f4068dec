/** The state of each answer's reasoning that its message does not have. */

import { signal } from "@preact/signals";

/** The state of one answer's reasoning. It stays the same when the answer is complete. */
export class ReasoningState {
  /** Whether the user has opened it. */
  readonly isOpen = signal(false);

  /** Whether the model is reasoning now. */
  readonly isGrowing = signal(false);

  /** How long the model has reasoned, in milliseconds; `null` if the page does not know. */
  readonly time = signal<number | null>(null);

  #firstPieceAt = 0;
  #lastPieceAt = 0;

  /** `isMeasured`: whether every piece arrives when the model sends it. */
  constructor(private readonly isMeasured: boolean) {}

  /** Notes that a piece has arrived. */
  notePiece(): void {
    this.#lastPieceAt = performance.now();
    if (!this.isGrowing.value) {
      this.isGrowing.value = true;
      this.#firstPieceAt = this.#lastPieceAt;
    }
  }

  /** Notes that something else has arrived. The model may reason again later. */
  pause(): void {
    if (this.isGrowing.value) {
      this.isGrowing.value = false;
      if (this.isMeasured) {
        this.time.value = (this.time.value ?? 0) + this.#lastPieceAt - this.#firstPieceAt;
      }
    }
  }
}

/** The states of one conversation, by the ids of the answers. */
export class ReasoningStates {
  readonly #states = new Map<string, ReasoningState>();

  /** The state of an answer's reasoning. */
  of(messageId: string): ReasoningState {
    return this.#states.get(messageId) ?? this.start(messageId, false);
  }

  /** A new state for an answer, in place of its former one. */
  start(messageId: string, isMeasured: boolean): ReasoningState {
    const state = new ReasoningState(isMeasured);
    this.#states.set(messageId, state);
    return state;
  }
}
