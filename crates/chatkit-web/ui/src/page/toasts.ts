/** Short notes at the edge of the page, which go by themselves. */

import { signal } from "@preact/signals";

/** How long a note stays. */
const STAYS = 8_000;

/** What a note offers to do. */
export interface ToastAction {
  label: string;
  run: () => void;
}

export interface Toast {
  id: number;
  text: string;
  action?: ToastAction;
}

/** The notes that are shown, the newest last. */
export const toasts = signal<readonly Toast[]>([]);

let lastId = 0;

/** Shows a note. */
export function toast(text: string, action?: ToastAction): void {
  const id = ++lastId;
  const shown: Toast = action === undefined ? { id, text } : { id, text, action };
  toasts.value = [...toasts.value, shown];
  window.setTimeout(() => dismiss(id), STAYS);
}

/** Takes a note away. */
export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((shown) => shown.id !== id);
}
