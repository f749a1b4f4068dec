/** Whether the server can be reached, as far as the browser and the last request tell. */

import { type ReadonlySignal, signal } from "@preact/signals";

const FIRST_WAIT = 2_000;
const LONGEST_WAIT = 15_000;

/** After so long an answer that is read at once does not come any more. */
const PATIENCE = 30_000;

export class Connection {
  readonly #isOffline = signal(!navigator.onLine);
  #timer: number | undefined;
  #wait = FIRST_WAIT;
  #ask: (() => Promise<unknown>) | undefined;
  #onComeback: (() => void) | undefined;
  #isDisposed = false;

  /** Whether nothing gets through at the moment. */
  get isOffline(): ReadonlySignal<boolean> {
    return this.#isOffline;
  }

  /**
   * Begins to watch. `ask` is a call that shows whether the server is there; `onComeback` is called
   * each time that it is there again.
   */
  watch(ask: () => Promise<unknown>, onComeback: () => void): void {
    this.#ask = ask;
    this.#onComeback = onComeback;
    window.addEventListener("offline", this.noteSilence);
    window.addEventListener("online", this.#askAgain);
    if (this.#isOffline.value) {
      this.noteSilence();
    }
  }

  /** Ends everything. */
  dispose(): void {
    this.#isDisposed = true;
    window.removeEventListener("offline", this.noteSilence);
    window.removeEventListener("online", this.#askAgain);
    window.clearTimeout(this.#timer);
  }

  /** Sends requests so, and notes what their answers tell of the connection. */
  readonly send = async (request: Request, init: RequestInit = {}): Promise<Response> => {
    // What changes something is waited for: nobody would know whether it was done.
    const isRead = request.method === "GET" && !request.headers.get("Accept")?.includes("event-stream");
    const signal = isRead
      ? AbortSignal.any([request.signal, AbortSignal.timeout(PATIENCE)])
      : request.signal;
    try {
      const response = await fetch(request, { ...init, signal });
      this.#noteAnswer();
      return response;
    } catch (error) {
      if (!request.signal.aborted) {
        this.noteSilence();
      }
      throw error;
    }
  };

  #noteAnswer(): void {
    window.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wait = FIRST_WAIT;
    if (this.#isOffline.value) {
      this.#isOffline.value = false;
      this.#onComeback?.();
    }
  }

  /** Says that nothing got through: the server is asked until it is there again. */
  readonly noteSilence = (): void => {
    if (this.#isDisposed) {
      return;
    }
    this.#isOffline.value = true;
    if (this.#timer === undefined) {
      this.#timer = window.setTimeout(this.#askAgain, this.#wait);
      this.#wait = Math.min(LONGEST_WAIT, this.#wait * 1.5);
    }
  };

  readonly #askAgain = (): void => {
    window.clearTimeout(this.#timer);
    this.#timer = undefined;
    // What comes of it is noted where it is sent.
    this.#ask?.().catch(() => undefined);
  };
}
