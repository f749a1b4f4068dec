/** The sidebar on a narrow screen, where it covers the conversation. */

import { effect, signal } from "@preact/signals";

const narrow = window.matchMedia("(max-width: 47.99rem)");

/** Whether there is no room for the sidebar beside the conversation. */
export const isNarrow = signal(narrow.matches);

/** Whether the sidebar is open where it is a drawer. */
export const isDrawerOpen = signal(false);

narrow.addEventListener("change", () => {
  isNarrow.value = narrow.matches;
});

effect(() => {
  if (!isNarrow.value) {
    isDrawerOpen.value = false;
  }
});
