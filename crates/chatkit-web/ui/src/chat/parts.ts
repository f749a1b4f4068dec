/** Splits an answer into its texts and tool calls, in the order in which they happened. */

import type { ToolCall } from "@chatkit-rs/client";

/** A piece of the answer's Markdown, or a tool call. */
export type Part = string | ToolCall;

/** The parts of an answer. Blank texts are left out. */
export function partsOf(content: string, toolCalls: readonly ToolCall[]): Part[] {
  const parts: Part[] = [];
  let start = 0;
  let characters = 0;
  const addText = (end: number) => {
    const text = content.slice(start, end);
    if (text.trim() !== "") {
      parts.push(text);
    }
    start = end;
  };
  for (const toolCall of toolCalls) {
    // Calls of older versions have no offset. They precede the text.
    const offset = toolCall.content_offset ?? 0;
    if (offset > characters) {
      addText(indexAfter(content, start, offset - characters));
      characters = offset;
    }
    parts.push(toolCall);
  }
  addText(content.length);
  return parts;
}

/** The index after so many characters. Those beyond U+FFFF take two units of a string. */
function indexAfter(text: string, start: number, characters: number): number {
  let index = start;
  for (let left = characters; left > 0 && index < text.length; left -= 1) {
    index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  }
  return index;
}
