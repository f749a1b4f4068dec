"use client";

import { useState } from "react";

import { authClient } from "../lib/auth-client";

/** Who is signed in, and the way out. */
export function TopBar({ email }: { email: string }) {
  const [state, setState] = useState<"idle" | "leaving" | "failed">("idle");

  async function signOut() {
    setState("leaving");
    const left = await authClient.signOut().then(
      ({ error }) => !error,
      () => false,
    );
    if (left) {
      // A whole new page: the token and the chat go with this one.
      window.location.assign("/sign-in");
    } else {
      setState("failed");
    }
  }

  return (
    <header className="top-bar">
      <img src="/icon.svg" alt="" width={26} height={26} />
      <h1>Tasks</h1>
      <span className="email" title={email}>
        {email}
      </span>
      <button className="quiet-button" onClick={signOut} disabled={state === "leaving"}>
        Sign out
      </button>
      <span role="alert" className="failure" hidden={state !== "failed"}>
        {state === "failed" && "You could not be signed out. Try again."}
      </span>
    </header>
  );
}
