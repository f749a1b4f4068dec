/** What a screen reader is told: what has finished, never what is still growing. */

import { signal } from "@preact/signals";

const LONGEST = 500;

/** The last thing that was told. */
export const announcement = signal("");

/** Tells something as soon as the user is not busy listening. */
export function announce(text: string): void {
  const characters = [...text];
  const told = characters.length <= LONGEST ? text : `${characters.slice(0, LONGEST).join("")} …`;
  // The same once more is told only where it differs.
  announcement.value = told === announcement.value ? `${told}\u200b` : told;
}
