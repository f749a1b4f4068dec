/**
 * Where the history stands: at its end as long as the reader is there, and otherwise where it is
 * read, also when older messages come in above.
 */

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

import type { Chat } from "./chat";

/** So near to the end one wants to see what comes. */
const NEAR_END = 120;

/** Whoever scrolls up leaves the end with the first step; positions may be fractions. */
const AT_END = 1;

/** So near to the beginning the next older page is read. */
const NEAR_BEGINNING = 600;

/** For so many milliseconds after a turn of the wheel or the like, it is the reader who scrolls. */
const BY_HAND = 500;

const HANDS = ["wheel", "touchmove", "pointerdown", "keydown"] as const;

export function useScrolling(chat: Chat) {
  const isAtEnd = useSignal(true);
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const anchor = useRef<{ element: Element; top: number } | null>(null);

  const toEnd = () => {
    isAtEnd.value = true;
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  };

  // What is sent is seen, wherever one has scrolled to.
  const sending = chat.sending.value;
  useLayoutEffect(() => {
    if (sending !== null) {
      toEnd();
    }
  }, [sending]);

  // The first message that was shown before stays in its place on the screen.
  const firstId = chat.history.messages.value[0]?.id;
  useLayoutEffect(() => {
    const { current: kept } = anchor;
    if (scroller.current && kept?.element.isConnected && !isAtEnd.peek()) {
      scroller.current.scrollTop += kept.element.getBoundingClientRect().top - kept.top;
    }
  }, [firstId]);

  useEffect(() => {
    const { current: view } = scroller;
    const { current: column } = content;
    if (!view || !column) {
      return undefined;
    }
    let height = 0;
    let top = 0;
    let handledAt = -BY_HAND;
    const readOlderNearBeginning = () => {
      // What is hidden has no height, and is nowhere.
      if (view.clientHeight > 0 && view.scrollTop <= NEAR_BEGINNING && chat.historyProblem.peek() === null) {
        void chat.readOlder();
      }
    };
    const observer = new ResizeObserver(() => {
      if (isAtEnd.peek()) {
        view.scrollTop = view.scrollHeight;
      }
      height = view.scrollHeight;
      top = view.scrollTop;
      readOlderNearBeginning();
    });
    const noteHand = () => {
      handledAt = performance.now();
    };
    const noteScroll = () => {
      const left = view.scrollHeight - view.scrollTop - view.clientHeight;
      const isUpwards = view.scrollTop < top;
      top = view.scrollTop;
      if (left <= (isUpwards ? AT_END : NEAR_END)) {
        isAtEnd.value = true;
      } else if (view.scrollHeight === height || performance.now() - handledAt < BY_HAND) {
        // Otherwise the content has grown, and the view is about to follow.
        isAtEnd.value = false;
      }
      readOlderNearBeginning();
    };
    observer.observe(column);
    observer.observe(view);
    view.addEventListener("scroll", noteScroll, { passive: true });
    for (const hand of HANDS) {
      view.addEventListener(hand, noteHand, { passive: true });
    }
    return () => {
      observer.disconnect();
      view.removeEventListener("scroll", noteScroll);
      for (const hand of HANDS) {
        view.removeEventListener(hand, noteHand);
      }
    };
  }, [chat]);

  // What is to keep its place is remembered before the messages above it are shown.
  const first = content.current?.querySelector(".message");
  if (first && !isAtEnd.peek()) {
    anchor.current = { element: first, top: first.getBoundingClientRect().top };
  } else {
    anchor.current = null;
  }

  return { isAtEnd, scroller, content, toEnd };
}
