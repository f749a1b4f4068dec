/** The panel where it is the whole screen, as on a phone. */

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";

/** Where there is no room for anything beside it; the style sheet says the same. */
const screen = window.matchMedia("(width < 480px), (height < 480px) and (hover: none)");

/** What the keyboard can come to. */
const STOPS = "button:enabled, textarea, a[href], summary, [tabindex='0']";

/**
 * Whether the panel is the whole screen. It is kept within what the keyboard of a phone leaves to be
 * seen, which the style sheet is told as `--visible-top` and `--visible-height`.
 */
export function useWholeScreen(panel: RefObject<HTMLElement | null>, isOpen: boolean): boolean {
  const isWhole = useSignal(screen.matches);
  useEffect(() => {
    const note = () => {
      isWhole.value = screen.matches;
    };
    screen.addEventListener("change", note);
    return () => screen.removeEventListener("change", note);
  }, []);
  useLayoutEffect(() => {
    const { visualViewport: area } = window;
    if (!isOpen || area === null) {
      return undefined;
    }
    const fit = () => {
      panel.current?.style.setProperty("--visible-top", `${area.offsetTop}px`);
      panel.current?.style.setProperty("--visible-height", `${area.height}px`);
    };
    fit();
    area.addEventListener("resize", fit);
    area.addEventListener("scroll", fit);
    return () => {
      area.removeEventListener("resize", fit);
      area.removeEventListener("scroll", fit);
    };
  }, [isOpen]);
  return isWhole.value;
}

/** Has the Tab key lead from the panel's end to its beginning, and not to the page that it covers. */
export function stayWithin(panel: HTMLElement | null, event: KeyboardEvent): void {
  const stops = [...(panel?.querySelectorAll<HTMLElement>(STOPS) ?? [])].filter((stop) =>
    stop.checkVisibility({ visibilityProperty: true }),
  );
  const [first, last] = event.shiftKey ? [stops.at(-1), stops[0]] : [stops[0], stops.at(-1)];
  if (event.target === last || (event.target === panel && event.shiftKey)) {
    event.preventDefault();
    first?.focus();
  }
}
