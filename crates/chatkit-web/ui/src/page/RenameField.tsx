/** The title of a conversation while it is changed: Enter keeps it, Escape leaves it as it was. */

import { type Conversation, MAX_TITLE_CHARS } from "@chatkit-rs/client";
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

import { problemText } from "../lib/problem-text";
import { renameConversation } from "./conversation-actions";
import { info } from "./surroundings";

interface Props {
  conversation: Conversation;
  onDone: () => void;
}

export function RenameField({ conversation, onDone }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const problem = useSignal<string | null>(null);
  const isSaving = useSignal(false);
  useLayoutEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);

  const save = async () => {
    const title = input.current?.value.trim() ?? "";
    if (isSaving.value) {
      return;
    }
    if (title === "" || title === conversation.title) {
      onDone();
      return;
    }
    isSaving.value = true;
    try {
      await renameConversation(conversation.id, title);
      onDone();
    } catch (error) {
      problem.value = problemText(error);
      isSaving.value = false;
    }
  };

  const takeKey = (event: KeyboardEvent) => {
    if (event.isComposing) {
      return;
    }
    if (event.key === "Enter") {
      void save();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      onDone();
    }
  };

  return (
    <div class="rename">
      <input
        ref={input}
        aria-label="Title"
        aria-invalid={problem.value !== null}
        defaultValue={conversation.title}
        maxLength={info.value?.limits.title_chars ?? MAX_TITLE_CHARS}
        readOnly={isSaving.value}
        onKeyDown={takeKey}
        onBlur={() => {
          // With a problem the field stays, so that it can be read.
          if (problem.value === null) {
            void save();
          } else {
            onDone();
          }
        }}
      />
      {problem.value !== null && (
        <p class="field-problem" role="alert">
          {problem.value}
        </p>
      )}
    </div>
  );
}
