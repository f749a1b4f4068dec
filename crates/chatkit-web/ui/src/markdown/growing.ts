/** A text that grows at its end: what was settled is not read again. */

import type { Token } from "marked";

import { blocksOf } from "./render";

/** So many blocks at the end may still become something else, as a list does that goes on. */
const UNSETTLED = 2;

/** The blocks of a text that only ever grows. */
export class GrowingText {
  #settled: Token[] = [];
  #settledText = "";

  /** The blocks of the whole text. Those that are settled are the same objects each time. */
  blocks(text: string): readonly Token[] {
    if (!text.startsWith(this.#settledText)) {
      this.#settled = [];
      this.#settledText = "";
    }
    const rest = text.slice(this.#settledText.length);
    const blocks = blocksOf(rest);
    const all = [...this.#settled, ...blocks];
    const settling = blocks.slice(0, -UNSETTLED);
    const end = this.#endOf(settling, rest);
    if (end !== undefined) {
      this.#settled = [...this.#settled, ...settling];
      this.#settledText += rest.slice(0, end);
    }
    return all;
  }

  /** Where blocks end within the text; `undefined` where there are none, or they are not found. */
  #endOf(blocks: readonly Token[], text: string): number | undefined {
    let end: number | undefined;
    for (const { raw } of blocks) {
      const start = text.indexOf(raw, end ?? 0);
      if (start === -1) {
        return undefined;
      }
      end = start + raw.length;
    }
    return end;
  }
}
