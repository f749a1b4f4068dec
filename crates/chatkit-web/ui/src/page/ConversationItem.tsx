/** A conversation in the list: it is opened, renamed in its place, and deleted. */

import type { Conversation } from "@chatkit-rs/client";
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";

import { chat } from "../state/app";
import { deleteConversation } from "../state/conversation-actions";
import { navigate, pathOf } from "../state/route";
import { closeDrawer } from "./drawer";
import { Menu } from "./Menu";
import { RenameField } from "./RenameField";

export function ConversationItem({ conversation }: { conversation: Conversation }) {
  const isRenaming = useSignal(false);
  const link = useRef<HTMLAnchorElement>(null);
  const { id, title } = conversation;
  const isOpen = chat.value?.id.value === id;
  const endRenaming = () => {
    const isFocusHere = document.activeElement instanceof HTMLInputElement;
    isRenaming.value = false;
    if (isFocusHere) {
      requestAnimationFrame(() => link.current?.focus());
    }
  };
  if (isRenaming.value) {
    return (
      <li class="conversation">
        <RenameField conversation={conversation} onDone={endRenaming} />
      </li>
    );
  }
  const rename = () => {
    isRenaming.value = true;
  };
  return (
    <li class="conversation">
      <a
        ref={link}
        href={pathOf(id)}
        title={title}
        {...(isOpen ? { "aria-current": "page" as const } : {})}
        onClick={(event) => open(event, id)}
        onDblClick={rename}
      >
        {title}
      </a>
      <Menu
        name={`Options of “${title}”`}
        items={[
          { icon: "edit", label: "Rename", run: rename },
          { icon: "trash", label: "Delete", run: () => void deleteConversation(conversation) },
        ]}
      />
    </li>
  );
}

/** Opens a conversation in this page, unless the click asks for another tab. */
function open(event: MouseEvent, id: string): void {
  if (event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    navigate(id);
    closeDrawer();
  }
}
