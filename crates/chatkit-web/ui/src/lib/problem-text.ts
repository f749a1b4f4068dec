/** What went wrong, in a sentence that may be shown. */

import { isProblem, UNREADABLE_RESPONSE } from "@chatkit-rs/client";

/** One calm sentence about anything that was thrown. */
export function problemText(error: unknown): string {
  if (!isProblem(error)) {
    return "Something went wrong in this page.";
  }
  if (error.code === UNREADABLE_RESPONSE) {
    return "The server did not answer as expected.";
  }
  const said = sentence(error.errors[0]?.message ?? error.detail);
  return error.retryAfter === undefined ? said : `${said} ${patience(error.retryAfter)}`;
}

/** The text with a capital at its beginning and a stop at its end. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const stopped = /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return stopped.charAt(0).toUpperCase() + stopped.slice(1);
}

function patience(seconds: number): string {
  return seconds <= 1 ? "Try again in a moment." : `Try again in ${seconds} seconds.`;
}

/** Whether it was thrown because nobody waits for the call any more. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
