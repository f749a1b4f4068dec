/** What holds the page together: signing in, the open conversation, and when to look for news. */

import { isProblem } from "@chatkit-rs/client";
import { effect, signal, untracked } from "@preact/signals";

import { Chat } from "../chat/chat";
import { forgetDrafts } from "../chat/drafts";
import { forgetConversations, refreshConversations } from "./conversations";
import { navigate, routeId } from "./route";
import { anyone, callFor, connection, createSession, deleteSession, whenOtherUser } from "./server";
import { noteSignedIn, session } from "./session";
import { openingToken, takeToken } from "./sign-in-link";
import { announcer, composerFocus, info, surroundings } from "./surroundings";
import { forgetTitles, readTitle } from "./titles";
import { dismissAll, toast } from "./toasts";

/** How often to look whether something was said in another tab. */
const POLL_INTERVAL = 2_000;

/** The conversation that is open. */
export const chat = signal<Chat | null>(null);

/** The token of a link that could not be traded in yet, though nobody said that it is no good. */
let untradedToken: string | undefined;

/** Whether another user has come while somebody was there. */
let isAnother = false;

/** How often it was asked who is there. */
let entries = 0;

/** Starts everything. */
export function start(): void {
  connection.watch(anyone.getInfo, comeBack);
  whenOtherUser(() => void enter());
  window.addEventListener("hashchange", () => void enter(takeToken()));
  window.addEventListener("focus", () => {
    if (session.value.state === "in") {
      void enter();
    }
  });
  window.setInterval(poll, POLL_INTERVAL);
  document.addEventListener("visibilitychange", poll);
  effect(openRoute);
  void enter(openingToken);
}

/** Begins a conversation. */
export function newChat(): void {
  navigate(null);
}

/** Removes the cookie, and everything that this browser knows. */
export async function signOut(): Promise<void> {
  await deleteSession();
  entries += 1;
  forgetDrafts();
  session.value = { state: "out", why: "left" };
}

/** Signs in with the token of a link, if there is one, else with the cookie. */
export async function enter(token = untradedToken): Promise<void> {
  const isExpired = token !== undefined && !(await tradeIn(token));
  const entry = ++entries;
  try {
    const now = await anyone.getInfo();
    if (entry !== entries) {
      // What is asked later knows better.
      return;
    }
    if (info.value?.user_id !== now.user_id) {
      turnTo(now.user_id);
    }
    info.value = now;
    noteSignedIn();
    if (isExpired) {
      toast("That sign-in link has expired, but you are still signed in.");
    }
    void refreshConversations();
  } catch (error) {
    const isRefused = isProblem(error) && error.status === 401;
    if (isExpired && isRefused) {
      session.value = { state: "out", why: "link-expired" };
    } else if (!isRefused && !connection.isOffline.value && session.value.state === "asking") {
      session.value = { state: "out", why: "unavailable" };
    }
  }
}

/** Trades a token in. Gives back whether it still holds, as far as that is known. */
async function tradeIn(token: string): Promise<boolean> {
  try {
    await createSession(token);
    untradedToken = undefined;
    // Whoever was signed in before is not any more.
    untracked(forgetUser);
    session.value = { state: "asking" };
    return true;
  } catch (error) {
    const isRefused = isProblem(error) && error.status === 401;
    untradedToken = isRefused ? undefined : token;
    return !isRefused;
  }
}

/** Turns to a user who was not there before. */
function turnTo(user: string): void {
  // Whoever was typing is not given the composer of this one.
  isAnother = info.value !== null;
  untracked(forgetUser);
  callFor(user);
  forgetDrafts(user);
  if (session.value.state === "in") {
    session.value = { state: "asking" };
  }
}

/** Forgets what was shown to who is signed in: the next may be somebody else. */
function forgetUser(): void {
  chat.value?.forget();
  chat.value = null;
  forgetConversations();
  forgetTitles();
  announcer.clear();
  dismissAll();
}

/** Has the conversation open that the address names, while somebody is signed in. */
function openRoute(): void {
  const id = routeId.value;
  const isIn = session.value.state === "in";
  untracked(() => {
    const open = chat.value;
    if (!isIn) {
      forgetUser();
    } else if (open === null || open.id.value !== id) {
      open?.dispose();
      chat.value = new Chat(id, surroundings);
      if (!isAnother) {
        composerFocus.offer();
      }
      isAnother = false;
      if (id !== null) {
        void readTitle(id);
      }
    }
  });
}

function poll(): void {
  if (document.visibilityState === "visible" && !connection.isOffline.value) {
    void chat.value?.poll();
  }
}

/** Catches up after the server could not be reached. */
function comeBack(): void {
  void enter();
  chat.value?.catchUp();
}
