/** Brings the keyboard to where messages are typed. */

import { signal } from "@preact/signals";

/** How often that was asked for. */
export const composerFocus = signal(0);

/** Has the next key land in the composer. */
export function focusComposer(): void {
  composerFocus.value += 1;
}

/** Whether typing needs no keyboard on the screen, which would cover what there is to read. */
export const hasKeyboard = window.matchMedia("(hover: hover) and (pointer: fine)").matches;
