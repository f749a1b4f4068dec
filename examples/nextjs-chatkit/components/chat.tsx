"use client";

import { ChatKit, type ColorScheme, useChatKit } from "@openai/chatkit-react";
import Script from "next/script";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";

import { createChatFetch, type Trouble } from "../lib/chat-fetch";
import { chatOptions, chatTheme } from "../lib/chat-options";

/** What the component is made of. The npm package holds its types and a wrapper alone. */
const SCRIPT = "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js";

/** After how long without a chat the page says that something may be wrong, in milliseconds. */
const PATIENCE = 8_000;

interface ChatProps {
  /** The chat server's ChatKit endpoint. */
  url: string;
  domainKey: string;
}

export function Chat({ url, domainKey }: ChatProps) {
  const [stage, setStage] = useState<Stage>("loading");
  const [trouble, setTrouble] = useState<Trouble>();
  const chatFetch = useMemo(
    () => createChatFetch({ onSignedOut: goToSignIn, onTrouble: setTrouble }),
    [],
  );
  const { control } = useChatKit({
    api: { url, domainKey, fetch: chatFetch },
    theme: chatTheme(useColorScheme()),
    ...chatOptions,
    onReady: () => setStage("ready"),
    // The component tells its user what failed. This is for whoever looks into it.
    onError: ({ error }) => console.error("ChatKit:", error),
  });
  useEffect(() => {
    const timer = setTimeout(() => setStage((now) => (now === "loading" ? "slow" : now)), PATIENCE);
    return () => clearTimeout(timer);
  }, []);

  return (
    <main className="chat">
      <Script src={SCRIPT} onError={() => setStage("failed")} />
      <TroubleNote trouble={trouble} url={url} />
      <div role="alert">{stage === "slow" && <SlowNote />}</div>
      <div className="frame">
        <ChatKit control={control} className="chatkit" />
        {stage === "loading" && (
          <div className="curtain" role="status">
            <span className="spinner" aria-hidden="true" />
            <p>The chat is loading…</p>
          </div>
        )}
        {stage === "failed" && <Failed />}
      </div>
    </main>
  );
}

function goToSignIn() {
  window.location.assign("/sign-in");
}

/** How far the component has come. One that is slow may be about to show itself. */
type Stage = "loading" | "slow" | "failed" | "ready";

function Failed() {
  return (
    <div className="curtain" role="alert">
      <div className="card">
        <h2>The chat could not be loaded</h2>
        <p>
          Your browser gets it from <code>cdn.platform.openai.com</code>. Check that you are online,
          and that no blocker or firewall keeps that away.
        </p>
        <p>Your conversations are kept by the chat server, and are safe.</p>
        <button className="button" onClick={() => window.location.reload()}>
          Try again
        </button>
      </div>
    </div>
  );
}

/** It hides nothing: if the chat is there after all, it can be used. */
function SlowNote() {
  return (
    <p className="failure">
      Is there no chat here? Your browser gets it from <code>cdn.platform.openai.com</code>, where
      this app’s domain has to be registered unless it is localhost.
    </p>
  );
}

/** What whoever runs this has to look after. */
function TroubleNote({ trouble, url }: { trouble: Trouble; url: string }) {
  return (
    <div role="alert">
      {trouble === "unreachable" && (
        <p className="failure">
          The chat server at <code>{url}</code> cannot be reached. Does it run, and do its{" "}
          <code>CORS_ORIGINS</code> name this page’s origin?
        </p>
      )}
      {trouble === "refused" && (
        <p className="failure">
          The chat server does not accept this app’s tokens. Do its <code>JWKS_URL</code>,{" "}
          <code>JWT_ISSUER</code> and <code>JWT_AUDIENCE</code> name this app?
        </p>
      )}
    </div>
  );
}

const DARK = "(prefers-color-scheme: dark)";

/** Light or dark, as the user's system has it. */
function useColorScheme(): ColorScheme {
  const isDark = useSyncExternalStore(
    onSchemeChange,
    () => window.matchMedia(DARK).matches,
    () => false,
  );
  return isDark ? "dark" : "light";
}

function onSchemeChange(changed: () => void) {
  const query = window.matchMedia(DARK);
  query.addEventListener("change", changed);
  return () => query.removeEventListener("change", changed);
}
