/** What a widget knows and does: who is signed in, the conversation, and when to look for news. */

import {
  type ChatClient,
  ChatProblem,
  type Conversation,
  createChatClient,
  type Info,
  type RunEvent,
} from "@chatkit-rs/client";
import { effect, signal, untracked } from "@preact/signals";

import { Announcer } from "../chat/announcer";
import { Chat } from "../chat/chat";
import { ComposerFocus } from "../chat/composer-focus";
import { Connection } from "../chat/connection";
import { forgetDrafts } from "../chat/drafts";
import { isForOtherUser } from "../chat/other-user";
import type { Surroundings } from "../chat/surroundings";
import { problemText } from "../lib/problem-text";
import { within } from "../lib/time-limit";
import type { Emit } from "./events";
import { keepConversation, keptConversation, onKeptElsewhere } from "./kept-conversation";

/** How often to look whether something was said in another tab. */
const POLL_INTERVAL = 2_000;

/** After so many milliseconds no token comes any more. */
const PATIENCE = 30_000;

/** Gives the caller's token; `null` or nothing where the cookie is to say who is calling. */
export type GetToken = () => string | null | undefined | Promise<string | null | undefined>;

/**
 * Who is there, as far as the server has said so: nothing of a conversation is shown before, as it
 * may be another's. `failed` with the reason where it has not said anything of use.
 */
export type Standing = { state: "asking" | "in" | "out" } | { state: "failed"; why: string };

export class WidgetSession implements Surroundings {
  client: ChatClient;
  user = "";

  readonly connection = new Connection();
  readonly info = signal<Info | null>(null);

  /** The conversation that is open, while somebody is known to be there. */
  readonly chat = signal<Chat | null>(null);

  readonly composerFocus = new ComposerFocus();
  readonly standing = signal<Standing>({ state: "asking" });

  /** Whether something was said that nobody has seen. */
  readonly isUnread = signal(false);

  /** What a screen reader is told. */
  readonly announcer = new Announcer();
  readonly announce = this.announcer.announce;

  /** The calls of whoever is there. */
  readonly #anyone: ChatClient;

  /** How many users have left, and how often it was asked who is there. */
  #left = 0;
  #entries = 0;

  /** How often the token has changed, and how many are being asked for. */
  #renewals = 0;
  #asking = 0;

  #isStarted = false;
  #isOpen = false;
  readonly #ends: (() => void)[] = [];

  /** `baseUrl` is the server's, without a slash at its end. */
  constructor(
    private readonly baseUrl: string,
    private readonly getToken: GetToken,
    private readonly emit: Emit,
  ) {
    this.#anyone = this.#clientFor();
    this.client = this.#anyone;
  }

  /** Ends everything. An answer that is being written is written nevertheless. */
  dispose(): void {
    this.#isStarted = false;
    this.#entries += 1;
    this.#ends.splice(0).forEach((end) => end());
    this.chat.value?.dispose();
    this.connection.dispose();
  }

  /** Says that it is seen. Before the first time the server is not asked for anything. */
  open(): void {
    this.#isOpen = true;
    this.isUnread.value = false;
    if (!this.#isStarted) {
      this.#start();
    }
    // Who opens it may be another one than who has closed it.
    this.standing.value = { state: "asking" };
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
    if (this.chat.value !== null) {
      this.#show(null);
    }
  }

  /** Sends a text of the page's, or leaves it to the user while an answer is on its way. */
  async ask(text: string): Promise<void> {
    const left = this.#left;
    const chat = await this.#opened();
    if (left !== this.#left) {
      // It was for another user.
      return;
    }
    if (chat.phase.value === "ready" && !chat.isBusy) {
      await chat.send(text);
    } else {
      chat.type([chat.typed.text.value, text].filter((part) => part !== "").join("\n\n"));
    }
  }

  /** Forgets the user: nothing of theirs is shown, sent, or kept in this browser. */
  forget(): void {
    this.#leave();
    forgetDrafts();
    keepConversation(null);
    if (this.standing.value.state !== "out") {
      this.standing.value = { state: "asking" };
      void this.enter();
    }
  }

  /** Says that the token has changed, or what gives it. */
  renew(): void {
    this.#renewals += 1;
    if (this.#asking === 0) {
      void this.enter();
    }
  }

  /** Asks the server who is there, where it was asked for anything yet. */
  async enter(): Promise<void> {
    if (!this.#isStarted) {
      return;
    }
    const entry = ++this.#entries;
    if (this.standing.value.state !== "in") {
      this.standing.value = { state: "asking" };
    }
    try {
      const info = await this.#anyone.getInfo();
      if (entry === this.#entries) {
        this.#letIn(info);
      }
    } catch (error) {
      // Where nothing gets through, it is asked again as soon as something does.
      const isAway = this.connection.isOffline.value;
      if (entry === this.#entries && !isAway && this.standing.value.state === "asking") {
        this.standing.value = { state: "failed", why: problemText(error) };
      }
    }
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
    this.connection.watch(this.#anyone.getInfo, () => {
      void this.enter();
      this.chat.value?.catchUp();
    });
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
    const wasIn = this.standing.value.state === "in";
    const { user_id: user } = info;
    if (user !== this.user) {
      if (this.user !== "") {
        keepConversation(null);
        this.#leave();
      }
      this.user = user;
      this.client = this.#clientFor(user);
      forgetDrafts(user);
      this.#show(keptConversation());
    } else if (!wasIn) {
      this.chat.value?.catchUp();
    }
    this.info.value = info;
    this.standing.value = { state: "in" };
  }

  /** Nobody is known to be there any more. */
  #leave(): void {
    const hadConversation = (this.chat.value?.id.value ?? null) !== null;
    this.#left += 1;
    this.chat.value?.forget();
    this.chat.value = null;
    this.user = "";
    this.client = this.#anyone;
    this.isUnread.value = false;
    this.announcer.clear();
    if (hadConversation) {
      this.emit("chatkit-conversation", { conversationId: null });
    }
  }

  #show(id: string | null): void {
    const before = this.chat.value?.id.value ?? null;
    this.chat.value?.dispose();
    this.chat.value = new Chat(id, this);
    if (before !== id) {
      this.emit("chatkit-conversation", { conversationId: id });
    }
  }

  /** The conversation, once it is known whose it is and whether it is there. */
  #opened(): Promise<Chat> {
    return new Promise((resolve) => {
      const end = effect(() => {
        const chat = this.chat.value;
        const isThere = chat?.phase.value === "ready" || chat?.phase.value === "failed";
        if (chat !== null && isThere && this.standing.value.state === "in") {
          resolve(chat);
          queueMicrotask(() => end());
        }
      });
    });
  }

  /** A conversation that was deleted, or was another user's, makes room for a new one. */
  readonly #leaveWhatIsGone = (): void => {
    const gone = this.chat.value;
    if (gone?.phase.value === "missing") {
      untracked(() => {
        const text = gone.typed.text.value;
        gone.type("");
        this.begin();
        this.chat.value?.type(text);
      });
    }
  };

  /** Goes where another tab has gone, unless there is something to lose here. */
  readonly #follow = (id: string | null): void => {
    const open = this.chat.value;
    if (open !== null && open.id.value !== id && !open.isBusy && open.typed.text.value === "") {
      this.#show(id);
    }
  };

  readonly #poll = (): void => {
    const isSeen = this.#isOpen && document.visibilityState === "visible";
    if (isSeen && this.standing.value.state === "in" && !this.connection.isOffline.value) {
      void this.chat.value?.poll();
    }
  };

  #clientFor(expectedUser?: string): ChatClient {
    const { baseUrl } = this;
    return createChatClient({ baseUrl, token: this.#token, fetch: this.#send, expectedUser });
  }

  readonly #token = async (): Promise<string | null> => {
    const renewals = this.#renewals;
    this.#asking += 1;
    try {
      const token = await this.#askForToken();
      // Another one may have come while this was on its way; what gives them may say so each time.
      return renewals === this.#renewals ? token : await this.#askForToken();
    } finally {
      this.#asking -= 1;
    }
  };

  async #askForToken(): Promise<string | null> {
    if (!this.#isStarted) {
      throw new DOMException("The widget is gone", "AbortError");
    }
    try {
      return (await within(PATIENCE, Promise.resolve(this.getToken()))) ?? null;
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
    if (response.status === 401 && entry === this.#entries) {
      // A refusal of an earlier token says nothing of the one that has come since.
      this.#noteSignedOut();
    } else if (await isForOtherUser(request, response)) {
      void this.enter();
    }
    return response;
  };

  #noteSignedOut(): void {
    if (this.standing.value.state !== "out") {
      this.standing.value = { state: "out" };
      this.announcer.clear();
      this.emit("chatkit-unauthorized", null);
    }
  }
}
