/** What stands in the page while nobody is signed in. */

import { enter } from "./page";
import { Mark } from "./Mark";
import { type SignedOut, session } from "./session";

const HEADINGS: Readonly<Record<SignedOut, string>> = {
  none: "Sign in to chat",
  "link-expired": "This sign-in link has expired",
  "session-ended": "You have been signed out",
  left: "You are signed out",
  unavailable: "The server is not ready",
};

export function SignIn({ why }: { why: SignedOut }) {
  return (
    <main class="sign-in">
      <div class="card">
        <Mark />
        <h1>{HEADINGS[why]}</h1>
        {why === "unavailable" ? <Unavailable /> : <HowTo isExpired={why === "link-expired"} />}
        <button type="button" class="button" onClick={tryAgain}>
          Try again
        </button>
      </div>
    </main>
  );
}

function Unavailable() {
  return <p>It answers, but not as expected. It may be starting, or this page may be a different version.</p>;
}

function HowTo({ isExpired }: { isExpired: boolean }) {
  return (
    <>
      {isExpired && <p>A link is good for ten minutes. Restart the server to get a fresh one.</p>}
      <p>
        <strong>On your own machine</strong>, the server prints a sign-in link in its terminal when it
        starts. Open it here; it ends with <code>/#token=…</code>.
      </p>
      <p>
        <strong>Everywhere else</strong>, you sign in through your app: it keeps a JWT in the cookie{" "}
        <code>auth_token</code>. Once that is done, try again.
      </p>
    </>
  );
}

function tryAgain(): void {
  session.value = { state: "asking" };
  void enter();
}
