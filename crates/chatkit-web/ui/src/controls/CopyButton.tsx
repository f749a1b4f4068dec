/** Copies a text, and says whether it did. */

import { useSignal } from "@preact/signals";

import { copyText } from "../lib/clipboard";
import type { IconName } from "./Icon";
import { IconButton } from "./IconButton";

const SHOWN_FOR = 2_000;

const LOOKS = {
  ready: { icon: "copy", name: "Copy" },
  copied: { icon: "check", name: "Copied" },
  refused: { icon: "alert", name: "The browser did not allow copying" },
} satisfies Record<string, { icon: IconName; name: string }>;

export function CopyButton({ text }: { text: string }) {
  const state = useSignal<keyof typeof LOOKS>("ready");
  const copy = async () => {
    state.value = (await copyText(text)) ? "copied" : "refused";
    window.setTimeout(() => {
      state.value = "ready";
    }, SHOWN_FOR);
  };
  const { icon, name } = LOOKS[state.value];
  return <IconButton icon={icon} name={name} onClick={() => void copy()} />;
}
