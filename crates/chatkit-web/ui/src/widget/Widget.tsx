/** The whole widget: a button, and the panel that it opens. */

import type { ReadonlySignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

import type { Chat } from "../chat/chat";
import { Composer } from "../chat/Composer";
import { Conversation } from "../chat/Conversation";
import { EmptyState } from "../chat/EmptyState";
import { ModelNote } from "../chat/ModelNote";
import { Icon } from "../controls/Icon";
import { IconButton } from "../controls/IconButton";
import { Notice } from "../controls/Notice";
import type { Options } from "./options";
import type { WidgetSession } from "./session";
import { stayWithin, useWholeScreen } from "./whole-screen";

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
  // Who opens or closes it goes on with the keyboard where it has led; the page that does so, not.
  const isUsers = useRef(false);
  const toggle = (toOpen: boolean) => {
    isUsers.current = true;
    setOpen(toOpen);
  };
  useLayoutEffect(() => {
    if (isUsers.current && !isOpen.value) {
      launcher.current?.focus();
    }
    isUsers.current = false;
  }, [isOpen.value]);
  const { title, theme, position } = options.value;
  return (
    // An empty title, as the element's own is no tooltip.
    <aside
      class="widget"
      title=""
      dir="ltr"
      aria-label={title}
      data-theme={theme}
      data-position={position}
      data-open={isOpen.value}
      onKeyDown={keepHere}
      onKeyUp={keepHere}
      onKeyPress={keepHere}
    >
      {wasOpened.current && (
        <Panel
          session={session.value}
          options={options.value}
          isOpen={isOpen.value}
          takesFocus={isUsers.current}
          close={() => toggle(false)}
        />
      )}
      <button
        ref={launcher}
        type="button"
        class="launcher"
        aria-expanded={isOpen.value}
        aria-label={launcherName(title, isOpen.value, session.value.isUnread.value)}
        onClick={() => toggle(!isOpen.value)}
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
  takesFocus: boolean;
  close: () => void;
}

function Panel({ session, options, isOpen, takesFocus, close }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const isWhole = useWholeScreen(panel, isOpen);
  const standing = session.standing.value;
  useLayoutEffect(() => {
    if (isOpen && takesFocus) {
      panel.current?.focus();
    }
  }, [isOpen]);
  useLayoutEffect(() => {
    // From the panel itself, to which it was led, and not from anywhere else.
    const root = panel.current?.getRootNode();
    if (standing.state === "in" && root instanceof ShadowRoot && root.activeElement === panel.current) {
      session.composerFocus.offer();
    }
  }, [isOpen, standing.state]);
  const takeKey = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !event.isComposing) {
      close();
    } else if (event.key === "Tab" && isWhole) {
      stayWithin(panel.current, event);
    }
  };
  const chat = session.chat.value;
  const begin = () => {
    session.begin();
    session.composerFocus.ask();
  };
  return (
    <section
      ref={panel}
      class="panel"
      role="dialog"
      aria-label={options.title}
      aria-modal={isWhole}
      tabIndex={-1}
      hidden={!isOpen}
      onKeyDown={takeKey}
    >
      <header class="panel-head">
        <h2 dir="auto">{options.title}</h2>
        <IconButton
          icon="plus"
          name="New conversation"
          isDisabled={standing.state !== "in" || chat === null || !isBegun(chat)}
          onClick={begin}
        />
        <IconButton icon="cross" name="Close" onClick={close} />
      </header>
      <div role="status">
        {session.connection.isOffline.value && <p class="banner">You are offline. Trying again…</p>}
      </div>
      {standing.state === "out" && <SignedOut session={session} />}
      {standing.state === "failed" && (
        <div class="middle">
          <Notice text={standing.why} onAction={() => void session.enter()} />
        </div>
      )}
      {standing.state === "asking" && (
        <div class="middle asking" role="status">
          <span class="spinner" role="img" aria-label="Opening" />
        </div>
      )}
      {chat !== null && (standing.state === "in" || standing.state === "asking") && (
        <div class="panel-body" data-shown={standing.state === "in"}>
          <Conversation
            chat={chat}
            empty={<EmptyState chat={chat} heading={options.greeting} starters={options.prompts} />}
          />
          <div class="dock">
            <Composer key={chat.serial} chat={chat} placeholder={options.placeholder} />
            <ModelNote info={session.info.value} />
          </div>
        </div>
      )}
    </section>
  );
}

/** Whether there is anything to leave for a new conversation. */
function isBegun(chat: Chat): boolean {
  return chat.id.value !== null && chat.sending.value === null;
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
