/** What a widget knows and does: who is signed in, the conversation, and when to look for news. */

import {
  type ChatClient,
  ChatProblem,
  type Conversation,
  createChatClient,
  type Info,
  isProblem,
  type RunEvent,
} from "@chatkit-rs/client";
import { effect, type Signal, signal, untracked } from "@preact/signals";

import { Announcer } from "../chat/announcer";
import { Chat } from "../chat/chat";
import { ComposerFocus } from "../chat/composer-focus";
import { Connection } from "../chat/connection";
import { forgetDrafts, keepDraftsOf } from "../chat/drafts";
import type { Surroundings } from "../chat/surroundings";
import { problemText } from "../lib/problem-text";
import { userOf } from "../lib/token-user";
import type { Emit } from "./events";
import { keepConversation, keptConversation, onKeptElsewhere } from "./kept-conversation";

/** How often to look whether something was said in another tab. */
const POLL_INTERVAL = 2_000;

/** Gives the caller's token; `null` or nothing where the cookie is to say who is calling. */
export type GetToken = () => string | null | undefined | Promise<string | null | undefined>;

/**
 * Who is there, as far as the server has said so: nothing of a conversation is shown before, as it
 * may be another's. `failed` with the reason where it has not said anything of use.
 */
export type Standing = { state: "asking" | "in" | "out" } | { state: "failed"; why: string };

export class WidgetSession implements Surroundings {
  /** The calls of this user. Those of one who has left are not made any more. */
  client: ChatClient;

  readonly connection = new Connection();
  readonly info = signal<Info | null>(null);

  /** The conversation that is open. */
  readonly chat: Signal<Chat>;

  readonly composerFocus = new ComposerFocus();
  readonly standing = signal<Standing>({ state: "asking" });

  /** Whether something was said that nobody has seen. */
  readonly isUnread = signal(false);

  /** What a screen reader is told. */
  readonly announcer = new Announcer();
  readonly announce = this.announcer.announce;

  /** How many users there were, and how often one may have come. */
  #users = 0;
  #entries = 0;

  #isStarted = false;
  #isOpen = false;

  /** Who was signed in last: as the server said, and as the tokens do. */
  #user: string | undefined;
  #tokenUser: string | undefined;

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
    if (!this.#isStarted) {
      this.#start();
    }
    void this.enter();
  }

  /** Says that it is not seen any more. */
  close(): void {
    this.#isOpen = false;
  }

  /** Begins a conversation. */
  begin(): void {
    keepConversation(null);
    this.announcer.clear();
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
    this.#tokenUser = undefined;
    this.client = this.#clientOfNext();
    this.chat.value.forget();
    forgetDrafts();
    this.isUnread.value = false;
    this.begin();
  }

  /** Asks the server who is there, where it was asked for anything yet. */
  async enter(): Promise<void> {
    if (!this.#isStarted) {
      return;
    }
    const entry = ++this.#entries;
    this.standing.value = { state: "asking" };
    try {
      const info = await this.client.getInfo();
      if (entry === this.#entries) {
        this.#letIn(info);
      }
    } catch (error) {
      // Where nothing gets through, it is asked again as soon as something does.
      const isAway = !isProblem(error) || error.status === 0;
      if (entry === this.#entries && !isAway && this.standing.value.state === "asking") {
        this.standing.value = { state: "failed", why: problemText(error) };
      }
    }
  }

  isSignedIn(): boolean {
    return this.standing.value.state !== "out";
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
  }

  /** Shows what there is to who is there. */
  #letIn(info: Info): void {
    const { user_id: user } = info;
    if (this.#user !== undefined && this.#user !== user) {
      this.forget();
    }
    keepDraftsOf(user);
    this.info.value = info;
    if (this.#user === undefined) {
      this.#user = user;
      this.#show(keptConversation());
    } else {
      this.chat.value.catchUp();
    }
    this.standing.value = { state: "in" };
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
        const isThere = chat.phase.value === "ready" || chat.phase.value === "failed";
        if (isThere && this.standing.value.state === "in") {
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
    const isSeen = this.#isOpen && document.visibilityState === "visible";
    if (isSeen && this.standing.value.state === "in" && !this.connection.isOffline.value) {
      void this.chat.value.poll();
    }
  };

  #clientOfNext(): ChatClient {
    const user = ++this.#users;
    return createChatClient({ baseUrl: this.baseUrl, token: () => this.#token(user), fetch: this.#send });
  }

  /** The token. Where it is another user's than before, nothing of that one is shown or sent any more. */
  async #token(user: number): Promise<string | null> {
    const token = await this.#askForToken();
    const now = (token === null ? null : userOf(token)) ?? this.#tokenUser;
    if (user === this.#users && this.#tokenUser !== undefined && this.#tokenUser !== now) {
      this.forget();
      queueMicrotask(() => void this.enter());
    }
    if (user !== this.#users) {
      throw new DOMException("Somebody else has signed in", "AbortError");
    }
    this.#tokenUser = now;
    return token;
  }

  async #askForToken(): Promise<string | null> {
    try {
      return (await this.getToken()) ?? null;
    } catch (error) {
      // What gives the tokens is away, as a server may be.
      this.connection.noteSilence();
      throw ChatProblem.unreachable(error);
    }
  }

  readonly #send = async (request: Request): Promise<Response> => {
    const entry = this.#entries;
    const credentials = request.headers.has("Authorization") ? "omit" : "include";
    const response = await this.connection.send(request, { credentials });
    // A refusal of an earlier token says nothing of the one that has come since.
    if (response.status === 401 && entry === this.#entries && this.standing.value.state !== "out") {
      this.standing.value = { state: "out" };
      this.announcer.clear();
      this.emit("chatkit-unauthorized", null);
    }
    return response;
  };
}
