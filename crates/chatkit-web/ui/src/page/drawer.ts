/** The sidebar on a narrow screen, where it covers the conversation. */

import { effect, signal } from "@preact/signals";

const narrow = window.matchMedia("(max-width: 47.99rem)");

/** Whether there is no room for the sidebar beside the conversation. */
export const isNarrow = signal(narrow.matches);

/** Whether the sidebar is open where it is a drawer. */
export const isDrawerOpen = signal(false);

let opener: Element | null = null;

/** Opens the drawer; where the sidebar has its own place there is none. */
export function openDrawer(): void {
  if (isNarrow.value && !isDrawerOpen.value) {
    opener = document.activeElement;
    isDrawerOpen.value = true;
  }
}

/** Closes the drawer, and gives the keyboard back to what opened it. */
export function closeDrawer(): void {
  if (isDrawerOpen.value) {
    isDrawerOpen.value = false;
    // What is covered takes no focus before it is shown again.
    requestAnimationFrame(() => {
      const { activeElement: focused, body } = document;
      if (opener instanceof HTMLElement && (focused === body || focused?.closest("[inert]"))) {
        opener.focus();
      }
    });
  }
}

narrow.addEventListener("change", () => {
  isNarrow.value = narrow.matches;
});

effect(() => {
  if (!isNarrow.value) {
    isDrawerOpen.value = false;
  }
});
