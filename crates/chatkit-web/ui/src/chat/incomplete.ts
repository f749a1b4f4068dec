/** Says why an answer is incomplete. */

import type { IncompleteReason, Message } from "@chatkit-rs/client";

const SENTENCES: Readonly<Record<IncompleteReason, string>> = {
  cancelled: "You stopped this answer.",
  interrupted: "The answer was interrupted.",
  failed: "The answer broke off.",
  length: "The answer reached the model's length limit.",
  content_filter: "The model's content filter withheld the rest.",
};

/** One sentence; `null` for a complete message. Older versions stored no reason. */
export function incompleteText({ status, incomplete_reason: reason }: Message): string | null {
  if (status !== "incomplete") {
    return null;
  }
  return (reason && SENTENCES[reason]) ?? "Stopped";
}
