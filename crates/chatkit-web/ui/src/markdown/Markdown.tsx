/** An assistant's text. */

import type { Token } from "marked";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";

import { copyText } from "../lib/clipboard";
import { GrowingText } from "./growing";
import { blocksOf, rendered } from "./render";

const COPIED_FOR = 2_000;

/** A text that does not change any more. */
export function Markdown({ text }: { text: string }) {
  return useMemo(() => <Blocks blocks={blocksOf(text)} />, [text]);
}

/** A text while it is written. */
export function GrowingMarkdown({ text }: { text: string }) {
  const growing = useMemo(() => new GrowingText(), []);
  return useMemo(() => <Blocks blocks={growing.blocks(text)} />, [growing, text]);
}

function Blocks({ blocks }: { blocks: readonly Token[] }) {
  return (
    <div class="markdown" onClick={copyCode}>
      {blocks.map((block, index) => (
        <Block key={index} block={block} />
      ))}
    </div>
  );
}

/** A block, which is made anew only when its source changes: what is selected elsewhere stays so. */
function Block({ block }: { block: Token }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => element.current?.replaceChildren(rendered(block)), [block.raw]);
  return <div class="block" dir="auto" ref={element} />;
}

/** Copies a code block, whose button is not a component. */
async function copyCode({ target }: MouseEvent): Promise<void> {
  const button = target instanceof HTMLElement ? target.closest("[data-copy]") : null;
  const code = button?.closest(".code")?.querySelector("code");
  if (button && code) {
    button.textContent = (await copyText(code.textContent ?? "")) ? "Copied" : "Not copied";
    window.setTimeout(() => {
      button.textContent = "Copy";
    }, COPIED_FOR);
  }
}
