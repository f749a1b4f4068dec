/** The whole widget: a button, and the panel that it opens. */

import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import type { Chat } from "../chat/chat";
import { Composer } from "../chat/Composer";
import { focusComposer, hasKeyboard } from "../chat/composer-focus";
import { EmptyState } from "../chat/EmptyState";
import { MessageList } from "../chat/MessageList";
import { ModelNote } from "../chat/ModelNote";
import { Icon } from "../controls/Icon";
import { IconButton } from "../controls/IconButton";
import { Notice } from "../controls/Notice";
import type { Options } from "./options";
import type { WidgetSession } from "./session";
import { useVisibleArea } from "./use-visible-area";

interface Props {
  session: ReadonlySignal<WidgetSession>;
  options: ReadonlySignal<Options>;
  isOpen: ReadonlySignal<boolean>;
  setOpen: (isOpen: boolean) => void;
}

export function Widget({ session, options, isOpen, setOpen }: Props) {
  const launcher = useRef<HTMLButtonElement>(null);
  const wasOpened = useRef(false);
  wasOpened.current ||= isOpen.value;
  const close = () => {
    setOpen(false);
    launcher.current?.focus();
  };
  const { title, theme, position } = options.value;
  return (
    // An empty title, as the element's own is no tooltip.
    <aside
      class="widget"
      title=""
      aria-label={title}
      data-theme={theme}
      data-position={position}
      data-open={isOpen.value}
      onKeyDown={keepHere}
      onKeyUp={keepHere}
      onKeyPress={keepHere}
    >
      {wasOpened.current && (
        <Panel session={session.value} options={options.value} isOpen={isOpen.value} close={close} />
      )}
      <button
        ref={launcher}
        type="button"
        class="launcher"
        aria-expanded={isOpen.value}
        aria-label={launcherName(title, isOpen.value, session.value.isUnread.value)}
        onClick={() => setOpen(!isOpen.value)}
      >
        <Icon name={isOpen.value ? "fold" : "chat"} />
        {session.value.isUnread.value && <span class="unread" />}
      </button>
      <div class="visually-hidden" role="status">
        {session.value.announcer.text.value}
      </div>
    </aside>
  );
}

/** What is typed here is no shortcut of the page's. */
function keepHere(event: KeyboardEvent): void {
  event.stopPropagation();
}

function launcherName(title: string, isOpen: boolean, isUnread: boolean): string {
  if (isOpen) {
    return `Close ${title}`;
  }
  return isUnread ? `Open ${title}: there is an answer` : `Open ${title}`;
}

interface PanelProps {
  session: WidgetSession;
  options: Options;
  isOpen: boolean;
  close: () => void;
}

function Panel({ session, options, isOpen, close }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  useVisibleArea(panel, isOpen);
  useEffect(() => {
    if (isOpen && hasKeyboard) {
      focusComposer();
    } else if (isOpen) {
      panel.current?.focus();
    }
  }, [isOpen]);
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !event.isComposing) {
      close();
    }
  };
  const chat = session.chat.value;
  const begin = () => {
    session.begin();
    focusComposer();
  };
  return (
    <section
      ref={panel}
      class="panel"
      role="dialog"
      aria-label={options.title}
      tabIndex={-1}
      hidden={!isOpen}
      onKeyDown={closeOnEscape}
    >
      <header class="panel-head">
        <h2>{options.title}</h2>
        <IconButton
          icon="plus"
          name="New conversation"
          isDisabled={chat.sending.value !== null || chat.id.value === null}
          onClick={begin}
        />
        <IconButton icon="cross" name="Close" onClick={close} />
      </header>
      <div role="status">
        {session.connection.isOffline.value && <p class="banner">You are offline. Trying again…</p>}
      </div>
      {session.isSignedOut.value ? (
        <SignedOut session={session} />
      ) : (
        <>
          <Content chat={chat} options={options} />
          <div class="dock">
            <Composer key={chat.serial} chat={chat} placeholder={options.placeholder} />
            <ModelNote info={session.info.value} />
          </div>
        </>
      )}
    </section>
  );
}

function SignedOut({ session }: { session: WidgetSession }) {
  return (
    <div class="middle">
      <h2>Sign in to chat</h2>
      <p>You are not signed in, or not any more. Once you are, go on here.</p>
      <button type="button" class="button" onClick={() => void session.enter()}>
        Try again
      </button>
    </div>
  );
}

function Content({ chat, options }: { chat: Chat; options: Options }) {
  switch (chat.phase.value) {
    case "failed":
      return (
        <div class="middle">
          <Notice
            text={chat.historyProblem.value ?? "The messages could not be read."}
            onAction={() => void chat.load()}
          />
        </div>
      );
    case "ready":
      return chat.isEmpty ? (
        <EmptyState chat={chat} heading={options.greeting} starters={options.prompts} />
      ) : (
        <MessageList key={chat.serial} chat={chat} />
      );
    default:
      return (
        <div class="middle" role="status">
          <span class="spinner" role="img" aria-label="Reading the messages" />
        </div>
      );
  }
}
