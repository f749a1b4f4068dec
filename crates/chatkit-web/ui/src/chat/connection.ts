/** Whether the server can be reached, as far as the browser and the last request tell. */

import { signal } from "@preact/signals";

const FIRST_WAIT = 2_000;
const LONGEST_WAIT = 15_000;

/** Whether nothing gets through at the moment. */
export const isOffline = signal(!navigator.onLine);

const comebacks = new Set<() => void>();
let probe: (() => Promise<unknown>) | undefined;
let timer: number | undefined;
let wait = FIRST_WAIT;

/** Calls back each time the server can be reached again. Gives back what ends that. */
export function onComeback(callback: () => void): () => void {
  comebacks.add(callback);
  return () => comebacks.delete(callback);
}

/** Says that a request was answered. */
export function noteAnswer(): void {
  window.clearTimeout(timer);
  timer = undefined;
  wait = FIRST_WAIT;
  if (isOffline.value) {
    isOffline.value = false;
    for (const callback of [...comebacks]) {
      callback();
    }
  }
}

/** Says that a request was not answered: the server is asked until it is there again. */
export function noteSilence(): void {
  isOffline.value = true;
  if (timer === undefined) {
    timer = window.setTimeout(askAgain, wait);
    wait = Math.min(LONGEST_WAIT, wait * 1.5);
  }
}

/** Watches the connection. `ask` is a call that shows whether the server is there. */
export function watchConnection(ask: () => Promise<unknown>): void {
  probe = ask;
  window.addEventListener("offline", noteSilence);
  window.addEventListener("online", askAgain);
  if (isOffline.value) {
    noteSilence();
  }
}

function askAgain(): void {
  window.clearTimeout(timer);
  timer = undefined;
  // What comes of it is noted where all requests are sent.
  probe?.().catch(() => undefined);
}
