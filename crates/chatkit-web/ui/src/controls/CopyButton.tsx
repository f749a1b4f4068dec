/** Copies a text, and says so. */

import { useSignal } from "@preact/signals";

import { copyText } from "../lib/clipboard";
import { toast } from "../state/toasts";
import { IconButton } from "./IconButton";

const SHOWN_FOR = 2_000;

export function CopyButton({ text }: { text: string }) {
  const isCopied = useSignal(false);
  const copy = async () => {
    if (!(await copyText(text))) {
      toast("The browser did not allow copying.");
      return;
    }
    isCopied.value = true;
    window.setTimeout(() => {
      isCopied.value = false;
    }, SHOWN_FOR);
  };
  return (
    <IconButton
      icon={isCopied.value ? "check" : "copy"}
      name={isCopied.value ? "Copied" : "Copy"}
      onClick={() => void copy()}
    />
  );
}
