/** A conversation in the list: it is opened, renamed in its place, and deleted. */

import type { Conversation } from "@chatkit-rs/client";
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";

import { chat } from "./page";
import { deleteConversation } from "./conversation-actions";
import { closeDrawer } from "./drawer";
import { Menu } from "./Menu";
import { RenameField } from "./RenameField";
import { navigate, pathOf } from "./route";

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
  const remove = () => {
    const item = link.current?.closest("li");
    const neighbour = (item?.nextElementSibling ?? item?.previousElementSibling)?.querySelector("a");
    void deleteConversation(conversation);
    // Where the keyboard was there is nothing any more.
    neighbour?.focus();
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
          { icon: "trash", label: "Delete", run: remove },
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
