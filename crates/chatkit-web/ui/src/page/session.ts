/** Who is signed in, as far as a page whose cookie is out of its reach can tell. */

import { signal } from "@preact/signals";

/** Why nobody is signed in. */
export type SignedOut = "none" | "link-expired" | "session-ended" | "left" | "unavailable";

/** `asking` until the server has said so. */
export type Session = { state: "asking" } | { state: "in" } | { state: "out"; why: SignedOut };

/** The session. */
export const session = signal<Session>({ state: "asking" });

/** Says that the server took the cookie. */
export function noteSignedIn(): void {
  if (session.value.state !== "in") {
    session.value = { state: "in" };
  }
}

/** Says that the server asked for a sign-in. */
export function noteSignedOut(): void {
  if (session.value.state === "in") {
    session.value = { state: "out", why: "session-ended" };
  } else if (session.value.state === "asking") {
    session.value = { state: "out", why: "none" };
  }
}
