/** One conversation as it is open: its history, its turns, and what is being typed. */

import { type BegunRun, type ChatClient, type Feedback, isProblem, type Message, type Run } from "@chatkit-rs/client";
import { signal } from "@preact/signals";

import { problemText } from "../lib/problem-text";
import { randomKey } from "../lib/random-key";
import { heard } from "../markdown/render";
import { History } from "./history";
import { incompleteText } from "./incomplete";
import { LiveAnswer } from "./live-answer";
import { ReasoningStates } from "./reasoning-state";
import type { Surroundings } from "./surroundings";
import { type Outgoing, TypedText } from "./typed-text";
import { explanation, type Unanswered } from "./unanswered";

/** `missing` where there is no such conversation. */
export type Phase = "loading" | "ready" | "missing" | "failed";

/** Why something was not sent, and how it is tried again: as it is typed, or otherwise. */
export interface SendProblem {
  text: string;
  again: "send" | (() => void) | null;
}

/** How many conversations were opened. */
let opened = 0;

export class Chat {
  /** Tells the conversations that were opened in this page apart, also those that have no id yet. */
  readonly serial = ++opened;

  /** The conversation; `null` until the first message is sent. */
  readonly id = signal<string | null>(null);

  readonly phase = signal<Phase>("loading");
  readonly history: History;

  /** Why the history is not there, or not whole. */
  readonly historyProblem = signal<string | null>(null);
  readonly isReadingOlder = signal(false);

  /** The answer that is being written. */
  readonly live = signal<LiveAnswer | null>(null);

  readonly reasoningStates = new ReasoningStates();

  /** What was sent and is not known to be with the server. */
  readonly sending = signal<string | null>(null);

  /** Why it is still in the composer. */
  readonly sendProblem = signal<SendProblem | null>(null);

  /** Why the last message has no answer. */
  readonly unanswered = signal<Unanswered | null>(null);

  readonly typed: TypedText;

  /** Whether its user has left. */
  #isForgotten = false;

  #regenerateKey: { messageId: string; key: string } | undefined;
  #stopWhenBegun = false;
  #isPolling = false;

  /** Whether an answer is asked for that was not begun yet. */
  #isStarting = false;

  /** Whether it was the older messages that could not be read. */
  #failedOlder = false;

  /** A run that could not be followed: only its end is waited for. */
  #unfollowed: string | undefined;

  /** The user who opened it, and their calls, also when another one has signed in since. */
  readonly #user: string;
  readonly #client: ChatClient;

  readonly #gone = new AbortController();

  constructor(
    id: string | null,
    readonly surroundings: Surroundings,
  ) {
    this.id.value = id;
    this.#user = surroundings.user;
    this.#client = surroundings.client;
    this.history = new History(this.#client);
    this.typed = new TypedText(this.#user, id);
    if (id === null) {
      this.phase.value = "ready";
    } else {
      void this.load();
    }
  }

  /** Whether an answer is on its way, so that nothing can be sent. */
  get isBusy(): boolean {
    return this.live.value !== null || this.sending.value !== null;
  }

  /** Whether nothing was said yet. */
  get isEmpty(): boolean {
    return (
      this.history.messages.value.length === 0 && this.sending.value === null && this.live.value === null
    );
  }

  /** Leaves the conversation. An answer that is being written is written nevertheless. */
  dispose(): void {
    this.#gone.abort();
    this.live.value?.dispose();
  }

  /** Leaves it, as its user has left: nothing of theirs is sent or kept any more. */
  forget(): void {
    this.#isForgotten = true;
    this.typed.forget();
    this.dispose();
  }

  /** Reads the newest messages, and goes on with an answer that is under way. */
  async load(): Promise<void> {
    const id = this.id.value;
    if (id === null) {
      return;
    }
    this.historyProblem.value = null;
    this.#failedOlder = false;
    this.#unfollowed = undefined;
    try {
      const page = await this.history.readNewest(id, this.#gone.signal);
      this.phase.value = "ready";
      this.#noteArrival();
      if (page.active_run === null) {
        await this.#explainSilence();
      } else {
        this.#follow(page.active_run);
      }
    } catch (error) {
      this.#noteHistoryProblem(error);
    }
  }

  /** Reads older messages. */
  async readOlder(): Promise<void> {
    const id = this.id.value;
    if (id === null || this.isReadingOlder.value || !this.history.hasOlder.value) {
      return;
    }
    this.isReadingOlder.value = true;
    this.historyProblem.value = null;
    try {
      await this.history.readOlder(id, this.#gone.signal);
      this.#failedOlder = false;
    } catch (error) {
      this.#failedOlder = true;
      this.#noteHistoryProblem(error);
    } finally {
      this.isReadingOlder.value = false;
    }
  }

  /** Tries again to read what could not be read. */
  async retryHistory(): Promise<void> {
    this.historyProblem.value = null;
    await (this.#failedOlder || this.live.value !== null ? this.readOlder() : this.load());
  }

  /** Catches up after the server could not be reached. */
  catchUp(): void {
    if (this.phase.value === "failed") {
      this.phase.value = "loading";
      void this.load();
    } else if (this.historyProblem.value !== null) {
      void this.retryHistory();
    } else {
      void this.poll();
    }
  }

  /** Looks whether something was said elsewhere. */
  async poll(): Promise<void> {
    if (this.phase.value !== "ready" || this.#isPolling) {
      return;
    }
    this.#isPolling = true;
    try {
      const id = this.id.value;
      if (id === null || this.isBusy || this.#isStarting) {
        // There is nothing to look for, but its user may have left: then this is refused.
        await this.#client.getInfo({ signal: this.#gone.signal });
        return;
      }
      const known = this.history.messages.value;
      const page = await this.history.readNewer(id, this.#gone.signal);
      if (this.isBusy || this.#isStarting) {
        return;
      }
      this.#noteArrival();
      if (page.active_run !== null && page.active_run.id === this.#unfollowed) {
        return;
      }
      if (page.active_run !== null) {
        this.unanswered.value = null;
        this.#follow(page.active_run);
      } else if (known !== this.history.messages.value) {
        await this.#explainSilence();
        this.surroundings.noteChange();
      }
    } catch (error) {
      // Anything else may be over when it is looked again.
      if (isMissing(error)) {
        this.phase.value = "missing";
      }
    } finally {
      this.#isPolling = false;
    }
  }

  /** Takes what is typed. */
  type(text: string): void {
    this.typed.type(text);
    if (text.trim() === "") {
      // Nothing is left that was not sent.
      this.sendProblem.value = null;
    }
  }

  /** Sends what is typed. */
  async send(text = this.typed.text.value): Promise<void> {
    if (this.isBusy || text.trim() === "") {
      return;
    }
    const outgoing = this.typed.takeOut(text, this.history.messages.value.at(-1)?.id ?? null);
    this.sending.value = text;
    this.sendProblem.value = null;
    this.#stopWhenBegun = false;
    try {
      // It is sent also where one goes elsewhere meanwhile.
      const id = this.id.value ?? (await this.#create(outgoing));
      const key = { idempotencyKey: outgoing.sent.key };
      const begun = await this.#client.startRun(id, { content: text }, key);
      this.typed.settle(outgoing);
      // The first message names the conversation, and each one moves it to the front.
      this.surroundings.noteChange();
      if (!this.#gone.signal.aborted) {
        this.unanswered.value = null;
        this.#begin(begun);
      }
    } catch (error) {
      if (this.#isForgotten) {
        return;
      }
      if (!this.#gone.signal.aborted) {
        this.typed.putBack(outgoing);
        await this.#noteRefusal(error, "Your message was not sent.", "send");
      } else if (this.surroundings.user === this.#user) {
        this.typed.putBack(outgoing);
        this.surroundings.say("A message was not sent. It is kept where you wrote it.");
      }
    } finally {
      this.sending.value = null;
    }
  }

  /** Has a message answered again. */
  async answerAgain(messageId: string): Promise<void> {
    const id = this.id.value;
    if (id === null || this.isBusy || this.#isStarting) {
      return;
    }
    this.#isStarting = true;
    if (this.#regenerateKey?.messageId !== messageId) {
      this.#regenerateKey = { messageId, key: randomKey() };
    }
    const { key } = this.#regenerateKey;
    this.sendProblem.value = null;
    this.#stopWhenBegun = false;
    try {
      const options = { idempotencyKey: key, signal: this.#gone.signal };
      const begun = await this.#client.startRun(id, { regenerate: messageId }, options);
      this.#regenerateKey = undefined;
      this.unanswered.value = null;
      this.history.cutBehind(messageId);
      this.#begin(begun);
    } catch (error) {
      if (!this.#gone.signal.aborted) {
        await this.#noteRefusal(error, "The answer was not begun.", () => void this.answerAgain(messageId));
      }
    } finally {
      this.#isStarting = false;
    }
  }

  /** Stops the answer. */
  async stop(): Promise<void> {
    const live = this.live.value;
    if (live === null) {
      this.#stopWhenBegun = this.sending.value !== null;
      return;
    }
    live.isStopping.value = true;
    try {
      await this.#client.cancelRun(live.run.conversation_id, live.run.id, { signal: this.#gone.signal });
    } catch (error) {
      live.isStopping.value = false;
      if (!this.#gone.signal.aborted) {
        const text = `The answer could not be stopped. ${problemText(error)}`;
        this.sendProblem.value = { text, again: null };
      }
    }
  }

  /** Rates an answer; the same rating once more takes it back. */
  async rate(message: Message, kind: Feedback): Promise<void> {
    const feedback = message.feedback === kind ? null : kind;
    this.history.replace({ ...message, feedback });
    try {
      await this.#client.rateMessage(message.conversation_id, message.id, feedback);
    } catch (error) {
      this.history.replace(message);
      throw error;
    }
  }

  async #create(outgoing: Outgoing): Promise<string> {
    const conversation = await this.#client.createConversation();
    if (this.#isForgotten) {
      throw new DOMException("Its user has left", "AbortError");
    }
    this.typed.moveTo(conversation.id, outgoing);
    this.id.value = conversation.id;
    this.surroundings.noteCreated(conversation, !this.#gone.signal.aborted);
    return conversation.id;
  }

  /** Forgets a text of which nobody knew whether it arrived, once it stands in the history. */
  #noteArrival(): void {
    if (this.typed.hasArrived(this.history.messages.value)) {
      this.type("");
    }
  }

  #begin({ user_message, run }: BegunRun): void {
    this.history.put(user_message);
    this.#follow(run, true);
    if (this.#stopWhenBegun) {
      void this.stop();
    }
  }

  /** Shows a run. `isFromStart`: whether it has just started. */
  #follow(run: Run, isFromStart = false): void {
    if (this.live.value?.run.id === run.id) {
      return;
    }
    const live = new LiveAnswer(run, this.reasoningStates, isFromStart);
    this.live.value = live;
    void this.#showEvents(live);
  }

  async #showEvents(live: LiveAnswer): Promise<void> {
    const { id, conversation_id } = live.run;
    let end: Run | undefined;
    try {
      for await (const event of this.#client.followRun(conversation_id, id, { signal: this.#gone.signal })) {
        this.surroundings.noteEvent(event);
        switch (event.type) {
          case "message.created":
            this.history.put(event.message);
            break;
          case "message.delta":
            live.append(event.message_id, event.text);
            break;
          case "reasoning.delta":
            live.appendReasoning(event.message_id, event.text);
            break;
          case "tool_call.started":
          case "tool_call.completed":
            live.putToolCall(event.tool_call);
            break;
          case "message.completed":
            this.history.put(event.message);
            live.complete(event.message.id, event.message.tool_calls ?? []);
            this.#announce(event.message);
            break;
          case "message.removed":
            this.history.remove(event.message_id);
            live.complete(event.message_id, []);
            break;
          case "run.completed":
          case "run.failed":
          case "run.cancelled":
            end = event.run;
            break;
          case "run.started":
            break;
        }
      }
    } catch (error) {
      if (this.#gone.signal.aborted) {
        return;
      }
      this.historyProblem.value = problemText(error);
      this.#unfollowed = id;
    }
    await this.#end(live, end);
  }

  /** Announces an answer. The reason why it is incomplete comes first, as long texts are cut. */
  #announce(message: Message): void {
    const texts = [incompleteText(message), heard(message.content)];
    this.surroundings.announce(texts.filter((text) => text !== null).join(" "));
  }

  /** Shows what stays of a run. */
  async #end(live: LiveAnswer, run: Run | undefined): Promise<void> {
    const id = live.run.conversation_id;
    try {
      if (run === undefined || run.status !== "completed") {
        // An answer that was taken away to be written again may be back.
        await this.history.readNewest(id, this.#gone.signal);
      }
    } catch (error) {
      this.#noteHistoryProblem(error);
    }
    live.dispose();
    if (this.live.value === live) {
      this.live.value = null;
    }
    if (run !== undefined) {
      this.#explain(run);
    }
    this.surroundings.noteChange();
  }

  /** Says why the last message has no answer, where it has none. */
  async #explainSilence(): Promise<void> {
    const last = this.history.messages.value.at(-1);
    this.unanswered.value = null;
    if (last?.role === "user" && last.run_id !== null) {
      const { conversation_id, run_id } = last;
      this.#explain(await this.#client.getRun(conversation_id, run_id, { signal: this.#gone.signal }));
    }
  }

  #explain(run: Run): void {
    const why = explanation(run, this.history.messages.value.at(-1));
    this.unanswered.value = why;
    if (why !== null) {
      this.surroundings.announce(why.text);
    }
  }

  async #noteRefusal(error: unknown, what: string, again: SendProblem["again"]): Promise<void> {
    if (isProblem(error) && error.code === "run_active") {
      const text = "An answer is already being written here. Try again when it is finished.";
      this.sendProblem.value = { text, again };
      await this.load();
    } else if (isMissing(error)) {
      this.phase.value = "missing";
    } else {
      this.sendProblem.value = { text: `${what} ${problemText(error)}`, again };
    }
  }

  #noteHistoryProblem(error: unknown): void {
    if (this.#gone.signal.aborted) {
      return;
    }
    if (isMissing(error)) {
      this.phase.value = "missing";
      return;
    }
    this.historyProblem.value = problemText(error);
    if (this.phase.value === "loading") {
      this.phase.value = "failed";
    }
  }
}

/** Whether it is the conversation that is not there, and not a message or a run. */
function isMissing(error: unknown): boolean {
  return isProblem(error) && error.code === "conversation_not_found";
}
