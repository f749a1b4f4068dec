/** What a chat component asks of its page, where it wants lists and knows nothing of pages. */

import type { ChatClient } from "./client.js";
import { MAX_PAGE_SIZE } from "./limits.js";
import type { Conversation, Message, Turn } from "./types.js";

/**
 * The six functions of a component that shows conversations, and asks for messages every few
 * seconds. Each throws a `ChatProblem` when it is not carried out. They need no `this`, and may be
 * passed on one by one.
 */
export interface ChatAdapter {
  /** The `MAX_PAGE_SIZE` conversations that changed last, the latest first. */
  getConversations(): Promise<Conversation[]>;

  /** The newest `MAX_PAGE_SIZE` messages of a conversation, oldest first. */
  getMessages(conversationId: string): Promise<Message[]>;

  /** Sends a message and waits for the answer: `user_message`, `assistant_message` and `run`. */
  sendMessage(conversationId: string, content: string): Promise<Turn>;

  /** Creates a conversation. Without a title it is named after its first message. */
  createConversation(title?: string): Promise<Conversation>;

  /** Renames a conversation. */
  updateConversationTitle(conversationId: string, title: string): Promise<Conversation>;

  /** Deletes a conversation. */
  deleteConversation(conversationId: string): Promise<void>;
}

/** As much as a list can hold that does not say where it goes on. */
const PAGE = { limit: MAX_PAGE_SIZE };

/** The adapter of one client. What a component passes besides is not handed on. */
export function chatAdapter(client: Pick<ChatClient, keyof ChatAdapter>): ChatAdapter {
  return {
    async getConversations() {
      return (await client.getConversations(PAGE)).conversations;
    },

    async getMessages(conversationId) {
      return (await client.getMessages(conversationId, PAGE)).messages;
    },

    sendMessage: (conversationId, content) => client.sendMessage(conversationId, content),

    createConversation: (title) => client.createConversation(title),

    updateConversationTitle: (conversationId, title) =>
      client.updateConversationTitle(conversationId, title),

    deleteConversation: (conversationId) => client.deleteConversation(conversationId),
  };
}
