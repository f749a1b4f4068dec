/** How long to wait: before the next attempt, and for what may never come. An abort ends both. */

import { ChatProblem } from "./problem.js";

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

/** A server sends something every 15 seconds: after so long a silence it is not there any more. */
const LONGEST_SILENCE = 45_000;

/** The most that a timer takes: with more it would not wait at all. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** How long to wait after failures that follow one another, in milliseconds. */
export class Backoff {
  #first = FIRST_WAIT;
  #failures = 0;

  /** Waits so long, and not less, after a first failure. */
  startFrom(milliseconds: number): void {
    // Nothing could not be doubled.
    this.#first = Math.max(1, milliseconds);
  }

  /** Says that all went well: the next failure is a first one. */
  reset(): void {
    this.#failures = 0;
  }

  /** The wait after one more failure, of which the server may have said what is the least. */
  next(least = 0): number {
    this.#failures += 1;
    const longest = Math.min(LONGEST_WAIT, this.#first * 2 ** this.#failures);
    // Between half of it and all of it, so that clients that were cut together come back apart.
    const wait = (longest * (1 + Math.random())) / 2;
    return Math.min(LONGEST_TIMER, Math.max(least, wait));
  }
}

/** Waits, and throws the signal's reason as soon as it is aborted. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  await timer(milliseconds, signal).over;
}

/** What comes of the work; throws if nothing does for long, and the signal's reason on an abort. */
export async function unlessSilent<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { over, clear } = timer(LONGEST_SILENCE, signal);
  const silence = over.then(() => {
    throw ChatProblem.unreachable(new Error(`Nothing came for ${LONGEST_SILENCE} ms`));
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clear();
  }
}

/** A promise for a later time, which an abort rejects, and what gives it up. */
function timer(milliseconds: number, signal: AbortSignal) {
  let clear = () => {};
  const over = new Promise<void>((resolve, reject) => {
    const abort = () => {
      clear();
      reject(signal.reason);
    };
    const timeout = setTimeout(() => {
      clear();
      resolve();
    }, milliseconds);
    clear = () => {
      clearTimeout(timeout);
      signal.removeEventListener("abort", abort);
    };
    signal.addEventListener("abort", abort);
    if (signal.aborted) {
      abort();
    }
  });
  return { over, clear };
}
