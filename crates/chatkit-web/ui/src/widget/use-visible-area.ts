/** Keeps the panel of a phone within what its keyboard leaves to be seen. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** Tells the style sheet, as `--visible-top` and `--visible-height`, what can be seen of the page. */
export function useVisibleArea(panel: RefObject<HTMLElement | null>, isOpen: boolean): void {
  useEffect(() => {
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
  }, [panel, isOpen]);
}
