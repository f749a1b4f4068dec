/** The text in the composer of one conversation. It is kept until the server has it. */

import type { Message } from "@chatkit-rs/client";
import { signal } from "@preact/signals";

import { randomKey } from "../lib/random-key";
import { type Draft, loadDraft, type Sent, saveDraft, settleDraft } from "./drafts";

/** A text on its way to the server. */
export interface Outgoing {
  text: string;
  sent: Sent;
}

export class TypedText {
  /** What is typed. */
  readonly text = signal("");

  #id: string | null;
  #sent: Sent | undefined;
  #isForgotten = false;

  constructor(
    private readonly user: string,
    id: string | null,
  ) {
    const draft = loadDraft(user, id);
    this.#id = id;
    this.text.value = draft.text;
    this.#sent = draft.sent;
  }

  /** Takes what is typed. */
  type(text: string): void {
    this.text.value = text;
    // Another text is another message.
    this.#sent = undefined;
    this.#save(this.#id, { text });
  }

  /**
   * A text that is about to be sent behind the last message that is there. What was typed is taken
   * out for it, and stays the draft; with any other text, what was typed stays where it is.
   */
  takeOut(text: string, after: string | null): Outgoing {
    const fresh = { key: randomKey(), after };
    if (text !== this.text.value) {
      return { text, sent: fresh };
    }
    const outgoing = { text, sent: this.#sent ?? fresh };
    this.text.value = "";
    this.#sent = undefined;
    this.#save(this.#id, outgoing);
    return outgoing;
  }

  /** Goes on in the conversation that was created for a text. */
  moveTo(id: string, outgoing: Outgoing): void {
    this.#save(this.#id, { text: "" });
    this.#save(id, this.text.value === "" ? outgoing : { text: this.text.value });
    this.#id = id;
  }

  /** Says that the server has a text. */
  settle({ sent }: Outgoing): void {
    if (this.#id !== null && !this.#isForgotten) {
      settleDraft(this.user, this.#id, sent.key, this.text.value);
    }
  }

  /** Gives back a text that was not sent, in front of what was typed since. */
  putBack(outgoing: Outgoing): void {
    const typed = this.text.value;
    if (typed.trim() !== "") {
      this.type(`${outgoing.text}\n\n${typed}`);
      return;
    }
    this.text.value = outgoing.text;
    this.#sent = outgoing.sent;
    this.#save(this.#id, outgoing);
  }

  /** Forgets it: its user has left, and nothing of theirs is kept any more. */
  forget(): void {
    this.#isForgotten = true;
    this.text.value = "";
    this.#sent = undefined;
  }

  /** Whether a text of which nobody knew if it arrived stands in the history after all. */
  hasArrived(messages: readonly Message[]): boolean {
    if (this.#sent === undefined) {
      return false;
    }
    const { after } = this.#sent;
    const index = messages.findIndex(({ id }) => id === after);
    if (after !== null && index === -1) {
      // What came behind it cannot be told from what stood there before.
      return false;
    }
    const newer = messages.slice(index + 1);
    return newer.some(({ role, content }) => role === "user" && content === this.text.value);
  }

  #save(id: string | null, draft: Draft): void {
    if (!this.#isForgotten) {
      saveDraft(this.user, id, draft);
    }
  }
}
