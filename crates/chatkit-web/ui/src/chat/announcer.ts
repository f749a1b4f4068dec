/** What a screen reader is told: what has finished, never what is still growing. */

import { signal } from "@preact/signals";

const LONGEST = 500;

export class Announcer {
  /** The last thing that was told. */
  readonly text = signal("");

  /** Tells something as soon as the user is not busy listening. */
  readonly announce = (text: string): void => {
    const characters = [...text];
    const told = characters.length <= LONGEST ? text : `${characters.slice(0, LONGEST).join("")} …`;
    // The same once more is told only where it differs.
    this.text.value = told === this.text.value ? `${told}\u200b` : told;
  };

  /** Forgets what was told. */
  clear(): void {
    this.text.value = "";
  }
}
