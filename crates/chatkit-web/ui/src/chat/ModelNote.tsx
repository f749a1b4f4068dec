/** Who answers. */

import type { Info } from "@chatkit-rs/client";

export function ModelNote({ info }: { info: Info | null }) {
  if (info === null) {
    return null;
  }
  const text =
    info.provider === "rules"
      ? "No model is configured: a few built-in rules answer."
      : `${info.model} answers. It can be wrong; check what matters.`;
  return <p class="model-note">{text}</p>;
}
