/** What an open conversation needs of where it is shown: a page, or a widget. */

import type { ChatClient, Conversation, Info, RunEvent } from "@chatkit-rs/client";
import type { ReadonlySignal } from "@preact/signals";

import type { ComposerFocus } from "./composer-focus";
import type { Connection } from "./connection";

export interface Surroundings {
  /** The calls of the user who is there now: the server carries them out for no other. */
  readonly client: ChatClient;

  /** That user; empty while nobody is known to be there. */
  readonly user: string;

  /** Whether the server can be reached. */
  readonly connection: Connection;

  /** What the server is; `null` until it has said so. */
  readonly info: ReadonlySignal<Info | null>;

  /** Brings the keyboard to its composer. */
  readonly composerFocus: ComposerFocus;

  /** Tells a screen reader what has happened. */
  announce(text: string): void;

  /** Says something that is about no conversation that is open. */
  say(text: string): void;

  /** A conversation was created for its first message; `isOpen`: and nobody went elsewhere since. */
  noteCreated(conversation: Conversation, isOpen: boolean): void;

  /** Something was said, so that what is known of the conversations is out of date. */
  noteChange(): void;

  /** Something happened in a run that is followed. */
  noteEvent(event: RunEvent): void;
}
