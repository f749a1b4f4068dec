/** What the page is to the conversation that is open in it. */

import type { Info } from "@chatkit-rs/client";
import { signal } from "@preact/signals";

import { Announcer } from "../chat/announcer";
import { ComposerFocus } from "../chat/composer-focus";
import type { Surroundings } from "../chat/surroundings";
import { putConversation, refreshConversations } from "./conversations";
import { navigate } from "./route";
import { client, connection } from "./server";
import { session } from "./session";
import { toast } from "./toasts";

/** What the server is; `null` until it has said so. */
export const info = signal<Info | null>(null);

/** Brings the keyboard to the composer of the conversation that is open. */
export const composerFocus = new ComposerFocus();

/** What a screen reader is told. */
export const announcer = new Announcer();

export const surroundings: Surroundings = {
  get client() {
    return client;
  },
  get user() {
    return (session.value.state === "in" ? info.value?.user_id : undefined) ?? "";
  },
  connection,
  info,
  composerFocus,
  announce: announcer.announce,
  say: toast,
  noteCreated(conversation, isOpen) {
    putConversation(conversation);
    if (isOpen) {
      navigate(conversation.id);
    }
  },
  noteChange: () => void refreshConversations(),
  noteEvent: () => {},
};

/** Tells later whether the same user is still there. */
export function sameUser(): () => boolean {
  const { user } = surroundings;
  return () => surroundings.user === user;
}
