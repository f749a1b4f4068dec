/** Guards of conversations. */

import type { Conversation, ConversationList } from "../types.js";
import { type Guard, isBoolean, isInteger, isString, listOf, nullable, objectOf } from "./guard.js";

/** Whether it is a conversation. */
export const isConversation: Guard<Conversation> = objectOf<Conversation>({
  id: isString,
  user_id: isString,
  title: isString,
  created_at: isString,
  updated_at: isString,
  message_count: isInteger,
});

/** Whether it is a page of conversations. */
export const isConversationList: Guard<ConversationList> = objectOf<ConversationList>({
  conversations: listOf(isConversation),
  next_cursor: nullable(isString),
  has_more: isBoolean,
});
