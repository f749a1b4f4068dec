/** Short notes at the edge of the page, which go by themselves. */

import { signal } from "@preact/signals";

/** How long a note stays. */
const STAYS = 10_000;

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

const timers = new Map<number, number>();
let isHeld = false;
let lastId = 0;

/** Shows a note. */
export function toast(text: string, action?: ToastAction): void {
  const id = ++lastId;
  const shown: Toast = action === undefined ? { id, text } : { id, text, action };
  toasts.value = [...toasts.value, shown];
  if (!isHeld) {
    leaveLater(id);
  }
}

/** Has all notes stay, as somebody is at them. */
export function holdToasts(): void {
  isHeld = true;
  timers.forEach((timer) => window.clearTimeout(timer));
  timers.clear();
}

/** Has them go by themselves again. */
export function releaseToasts(): void {
  isHeld = false;
  toasts.value.forEach(({ id }) => leaveLater(id));
}

/** Takes all notes away. */
export function dismissAll(): void {
  toasts.value.forEach(({ id }) => dismiss(id));
}

/** Takes a note away. */
export function dismiss(id: number): void {
  window.clearTimeout(timers.get(id));
  timers.delete(id);
  toasts.value = toasts.value.filter((shown) => shown.id !== id);
  // What is taken away under the pointer does not say that the pointer has left.
  isHeld &&= toasts.value.length > 0;
}

function leaveLater(id: number): void {
  window.clearTimeout(timers.get(id));
  timers.set(
    id,
    window.setTimeout(() => dismiss(id), STAYS),
  );
}
