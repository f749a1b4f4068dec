/** How code blocks are coloured. Without colours, which weigh more than all else, they are plain. */

import { escapeHtml } from "./escape";

export interface Colours {
  /** Code as HTML, which is escaped in any case. */
  htmlOf(code: string, tag: string): string;

  /** What to call the language of a tag. */
  nameOf(tag: string): string;
}

let chosen: Colours = { htmlOf: (code) => escapeHtml(code), nameOf: (tag) => tag };

/** Has code coloured so from now on. */
export function colourCode(by: Colours): void {
  chosen = by;
}

/** How code is coloured. */
export function colours(): Colours {
  return chosen;
}
