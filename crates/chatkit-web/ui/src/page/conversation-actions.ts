/** What can be done to a conversation from the list. */

import { type Conversation, isProblem } from "@chatkit-rs/client";

import { problemText } from "../lib/problem-text";
import { chat } from "./page";
import { dropConversation, putConversation, refreshConversations } from "./conversations";
import { navigate } from "./route";
import { client } from "./server";
import { sameUser } from "./surroundings";
import { toast } from "./toasts";

/** Gives a conversation another title. Throws where the server refuses it. */
export async function renameConversation(id: string, title: string): Promise<void> {
  const isSameUser = sameUser();
  const renamed = await client.updateConversationTitle(id, title);
  if (isSameUser()) {
    putConversation(renamed);
  }
}

/** Deletes a conversation, and offers to bring it back. */
export async function deleteConversation(conversation: Conversation): Promise<void> {
  const { id, title } = conversation;
  const isSameUser = sameUser();
  const wasOpen = chat.value?.id.value === id;
  dropConversation(id);
  if (wasOpen) {
    navigate(null);
  }
  try {
    await client.deleteConversation(id);
    if (!isSameUser()) {
      return;
    }
    dropConversation(id);
    void refreshConversations();
  } catch (error) {
    // What is not there any more is what was asked for.
    if (isSameUser() && (!isProblem(error) || error.status !== 404)) {
      putConversation(conversation);
      const again = { label: "Try again", run: () => void deleteConversation(conversation) };
      toast(`“${short(title)}” was not deleted. ${problemText(error)}`, again);
    }
    return;
  }
  toast(`“${short(title)}” was deleted.`, {
    label: "Undo",
    run: () => void undelete(conversation, wasOpen),
  });
}

async function undelete(conversation: Conversation, wasOpen: boolean): Promise<void> {
  const isSameUser = sameUser();
  try {
    const restored = await client.restoreConversation(conversation.id);
    if (!isSameUser()) {
      return;
    }
    putConversation(restored);
    if (wasOpen && chat.value?.id.value === null) {
      navigate(conversation.id);
    }
  } catch (error) {
    if (!isSameUser()) {
      return;
    }
    toast(`“${short(conversation.title)}” could not be brought back. ${problemText(error)}`, {
      label: "Try again",
      run: () => void undelete(conversation, wasOpen),
    });
  }
}

/** A title that fits into a sentence. */
function short(title: string): string {
  const characters = [...title];
  return characters.length <= 40 ? title : `${characters.slice(0, 39).join("")}…`;
}
