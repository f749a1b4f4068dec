/** Brings the keyboard to where messages are typed. */

import { signal } from "@preact/signals";

/** Whether typing needs no keyboard on the screen, which would cover what there is to read. */
export const hasKeyboard = window.matchMedia("(hover: hover) and (pointer: fine)").matches;

export class ComposerFocus {
  readonly #asked = signal(0);
  #granted = 0;

  /** Has the next key land in the composer, as soon as there is one. */
  readonly ask = (): void => {
    this.#asked.value += 1;
  };

  /** The same, where that has no keyboard cover the screen. */
  readonly offer = (): void => {
    if (hasKeyboard) {
      this.ask();
    }
  };

  /** Whether that was asked for and not done yet. It is done then. */
  take(): boolean {
    const isAsked = this.#asked.value > this.#granted;
    this.#granted = this.#asked.value;
    return isAsked;
  }

  /** How often it was asked for. */
  get count(): number {
    return this.#asked.value;
  }
}
