/** What a widget knows and does: who is signed in, the conversation, and when to look for news. */

import { type ChatClient, type Conversation, createChatClient, type Info, type RunEvent } from "@chatkit-rs/client";
import { effect, type Signal, signal, untracked } from "@preact/signals";

import { Announcer } from "../chat/announcer";
import { Chat } from "../chat/chat";
import { Connection } from "../chat/connection";
import { forgetDrafts, keepDraftsOf, userOfDrafts } from "../chat/drafts";
import type { Surroundings } from "../chat/surroundings";
import { userOf } from "../lib/token-user";
import type { Emit } from "./events";
import { keepConversation, keptConversation, onKeptElsewhere } from "./kept-conversation";

/** How often to look whether something was said in another tab. */
const POLL_INTERVAL = 2_000;

/** Gives the caller's token; `null` where the cookie is to say who is calling. */
export type GetToken = () => string | null | Promise<string | null>;

export class WidgetSession implements Surroundings {
  /** The calls of this user. Those of one who has left are not made any more. */
  client: ChatClient;

  readonly connection = new Connection();
  readonly info = signal<Info | null>(null);

  /** The conversation that is open. */
  readonly chat: Signal<Chat>;

  /** Whether the server refused to tell anything without a (better) token. */
  readonly isSignedOut = signal(false);

  /** Whether something was said that nobody has seen. */
  readonly isUnread = signal(false);

  /** What a screen reader is told. */
  readonly announcer = new Announcer();
  readonly announce = this.announcer.announce;

  /** How many users there were. */
  #users = 0;

  #isStarted = false;
  #isOpen = false;

  /** Who was signed in last, also in a page before this one; `undefined` where that is not known. */
  #user: string | undefined = userOfDrafts();

  readonly #ends: (() => void)[] = [];

  /** `baseUrl` is the server's, without a slash at its end. */
  constructor(
    private readonly baseUrl: string,
    private readonly getToken: GetToken,
    private readonly emit: Emit,
  ) {
    this.client = this.#clientOfNext();
    this.chat = signal(new Chat(null, this));
  }

  /** Ends everything. An answer that is being written is written nevertheless. */
  dispose(): void {
    this.#ends.splice(0).forEach((end) => end());
    this.chat.value.dispose();
    this.connection.dispose();
  }

  /** Says that it is seen. Before the first time the server is not asked for anything. */
  open(): void {
    this.#isOpen = true;
    this.isUnread.value = false;
    if (this.#isStarted) {
      this.#poll();
    } else {
      this.#start();
    }
  }

  /** Says that it is not seen any more. */
  close(): void {
    this.#isOpen = false;
  }

  /** Begins a conversation. */
  begin(): void {
    keepConversation(null);
    this.#show(null);
  }

  /** Sends a text of the page's, or leaves it to the user while an answer is on its way. */
  async ask(text: string): Promise<void> {
    const chat = await this.#opened();
    if (chat.phase.value === "ready" && !chat.isBusy) {
      await chat.send(text);
    } else {
      chat.type([chat.typed.text.value, text].filter((part) => part !== "").join("\n\n"));
    }
  }

  /** Forgets the user: nothing of theirs is shown, sent, or kept in this browser. */
  forget(): void {
    this.#user = undefined;
    this.client = this.#clientOfNext();
    forgetDrafts();
    this.info.value = null;
    this.announcer.clear();
    this.begin();
  }

  /** Tries again to be let in. */
  async enter(): Promise<void> {
    try {
      this.info.value = await this.client.getInfo();
      this.chat.value.catchUp();
    } catch {
      // What is in the way is noted where requests are sent.
    }
  }

  isSignedIn(): boolean {
    return !this.isSignedOut.value;
  }

  say(text: string): void {
    this.announce(text);
  }

  noteCreated({ id }: Conversation, isOpen: boolean): void {
    if (isOpen) {
      keepConversation(id);
      this.emit("chatkit-conversation", { conversationId: id });
    }
  }

  noteChange(): void {
    // No list of conversations is shown.
  }

  noteEvent(event: RunEvent): void {
    switch (event.type) {
      case "tool_call.completed":
        this.emit("chatkit-tool", { toolCall: event.tool_call });
        break;
      case "message.completed":
        this.isUnread.value ||= !this.#isOpen;
        this.emit("chatkit-message", { message: event.message });
        break;
      case "run.failed": {
        const { code = "internal", message = "The answer failed" } = event.run.error ?? {};
        this.emit("chatkit-error", { code, message });
        break;
      }
    }
  }

  #start(): void {
    this.#isStarted = true;
    this.connection.watch(
      () => this.client.getInfo(),
      () => void this.enter(),
    );
    const timer = window.setInterval(this.#poll, POLL_INTERVAL);
    document.addEventListener("visibilitychange", this.#poll);
    this.#ends.push(
      () => window.clearInterval(timer),
      () => document.removeEventListener("visibilitychange", this.#poll),
      onKeptElsewhere(this.#follow),
      effect(this.#leaveWhatIsGone),
    );
    this.#show(keptConversation());
    void this.enter();
  }

  #show(id: string | null): void {
    const { id: before } = this.chat.value;
    this.chat.value.dispose();
    this.chat.value = new Chat(id, this);
    if (before.value !== id) {
      this.emit("chatkit-conversation", { conversationId: id });
    }
  }

  /** The conversation, once it is known whether it is there. */
  #opened(): Promise<Chat> {
    return new Promise((resolve) => {
      const end = effect(() => {
        const chat = this.chat.value;
        if (chat.phase.value === "ready" || chat.phase.value === "failed") {
          resolve(chat);
          queueMicrotask(() => end());
        }
      });
    });
  }

  /** A conversation that was deleted, or is another user's, makes room for a new one. */
  readonly #leaveWhatIsGone = (): void => {
    const gone = this.chat.value;
    if (gone.phase.value !== "missing") {
      return;
    }
    untracked(() => {
      const text = gone.ownText;
      this.begin();
      if (text !== "") {
        this.chat.value.type(text);
      }
    });
  };

  /** Goes where another tab has gone, unless there is something to lose here. */
  readonly #follow = (id: string | null): void => {
    const { id: open, isBusy, typed } = this.chat.value;
    if (id !== open.value && !isBusy && typed.text.value === "") {
      this.#show(id);
    }
  };

  readonly #poll = (): void => {
    if (this.#isOpen && document.visibilityState === "visible" && !this.connection.isOffline.value) {
      void this.chat.value.poll();
    }
  };

  #clientOfNext(): ChatClient {
    const user = ++this.#users;
    return createChatClient({ baseUrl: this.baseUrl, token: () => this.#token(user), fetch: this.#send });
  }

  /** The token; where it is another user's, nothing of the one before is shown or sent any more. */
  async #token(user: number): Promise<string | null> {
    const token = await this.#askForToken();
    // Without a token nobody has come: the page may be signing in yet, or the cookie counts.
    const now = token === null ? null : userOf(token);
    const before = this.#user ?? now;
    if (user === this.#users && now !== null && before !== now) {
      this.forget();
      queueMicrotask(() => void this.enter());
    }
    if (user !== this.#users) {
      throw new DOMException("Somebody else has signed in", "AbortError");
    }
    if (now !== null) {
      this.#user = now;
      keepDraftsOf(now);
    }
    return token;
  }

  async #askForToken(): Promise<string | null> {
    try {
      return await this.getToken();
    } catch (error) {
      this.#noteSignedOut();
      throw error;
    }
  }

  #noteSignedOut(): void {
    if (!this.isSignedOut.value) {
      this.isSignedOut.value = true;
      this.announcer.clear();
      this.emit("chatkit-unauthorized", null);
    }
  }

  readonly #send = async (request: Request): Promise<Response> => {
    const credentials = request.headers.has("Authorization") ? "omit" : "include";
    const response = await this.connection.send(request, { credentials });
    if (response.status === 401) {
      this.#noteSignedOut();
    } else if (response.ok) {
      this.isSignedOut.value = false;
    }
    return response;
  };
}
