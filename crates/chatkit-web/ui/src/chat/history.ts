/** The messages of a conversation that were read so far, oldest first. */

import type { ChatClient, Message, MessageList } from "@chatkit-rs/client";
import { computed, signal } from "@preact/signals";

const PAGE_SIZE = 50;

export class History {
  readonly messages = signal<readonly Message[]>([]);

  /** Where the older messages end; `null` where there are none, or nothing was read yet. */
  readonly #before = signal<string | null>(null);

  /** Whether there are older messages than those that were read. */
  readonly hasOlder = computed(() => this.#before.value !== null);

  constructor(private readonly client: ChatClient) {}

  /** Reads the newest page, which is all that is shown afterwards. */
  async readNewest(id: string, signal: AbortSignal): Promise<MessageList> {
    const page = await this.client.getMessages(id, { limit: PAGE_SIZE }, { signal });
    this.#replace(page);
    return page;
  }

  /** Reads the page before the oldest message that is shown. */
  async readOlder(id: string, signal: AbortSignal): Promise<void> {
    const before = this.#before.value;
    const page = await this.client.getMessages(id, { limit: PAGE_SIZE, before }, { signal });
    if (before !== this.#before.value) {
      // The history was replaced meanwhile.
      return;
    }
    this.#before.value = page.before_cursor;
    this.messages.value = [...page.messages, ...this.messages.value];
  }

  /** Reads what was added since; where nothing was, the browser is told so without a body. */
  async readNewer(id: string, signal: AbortSignal): Promise<MessageList> {
    for (;;) {
      const since = this.messages.value.at(-1)?.id;
      const page = await this.client.getMessages(id, { limit: PAGE_SIZE, since }, { signal });
      if (since !== this.messages.value.at(-1)?.id) {
        // Something was said here while the page was on its way, which it may not have.
        return page;
      }
      if (since === undefined && page.messages.length === 0) {
        // Nothing was said here, and nothing is.
        return page;
      }
      if (since === undefined || page.reset) {
        this.#replace(page);
        return page;
      }
      if (page.messages.length > 0) {
        this.messages.value = [...this.messages.value, ...page.messages];
      }
      if (!page.has_more) {
        return page;
      }
    }
  }

  /** Shows a message in its newest form, behind all others if it is new. */
  put(message: Message): void {
    const messages = this.messages.value;
    this.messages.value = messages.some(({ id }) => id === message.id)
      ? messages.map((other) => (other.id === message.id ? message : other))
      : [...messages, message];
  }

  /** Shows a message in its newest form, if it is still there. */
  replace(message: Message): void {
    this.messages.value = this.messages.value.map((other) => (other.id === message.id ? message : other));
  }

  /** Removes a message that was withdrawn. */
  remove(messageId: string): void {
    this.messages.value = this.messages.value.filter(({ id }) => id !== messageId);
  }

  /** Takes away everything behind a message, which is being answered again. */
  cutBehind(messageId: string): void {
    const index = this.messages.value.findIndex(({ id }) => id === messageId);
    if (index !== -1) {
      this.messages.value = this.messages.value.slice(0, index + 1);
    }
  }

  #replace(page: MessageList): void {
    this.#before.value = page.before_cursor;
    this.messages.value = page.messages;
  }
}
