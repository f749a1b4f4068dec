/** Time in these tests: which waits there are, and when something has happened. */

import { test as run, type TestContext } from "node:test";

/** How long the client waits for a sign of life. */
export const SILENCE = 45_000;

/** A test that fails where what it waits for does not come. */
export function test(name: string, act: (t: TestContext) => Promise<void>): void {
  void run(name, { timeout: 30_000 }, act);
}

/** A promise for what another part of a test does. */
export function signpost() {
  let reach = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return { reach, reached };
}

/** Until all that is ready has been done. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Until it is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Whether it is the client that calls a mock: Node's `fetch` sets timers and listens as well. */
function isOwnCall(): boolean {
  const frames = new Error().stack?.split("\n").slice(1) ?? [];
  const caller = frames.find((frame) => !/timing\.js|test_runner|<anonymous>/.test(frame));
  return caller?.includes("@chatkit-rs/client") ?? false;
}

/** Lets no wait before an attempt take any time, and gives back how long each was to be. */
export function skipWaits(t: TestContext, random = 0): number[] {
  const waits: number[] = [];
  const { setTimeout } = globalThis;
  t.mock.method(Math, "random", () => random);
  t.mock.method(globalThis, "setTimeout", (act: () => void, milliseconds: number) => {
    if (!isOwnCall() || milliseconds === SILENCE) {
      return setTimeout(act, milliseconds);
    }
    waits.push(milliseconds);
    return setTimeout(act, 0);
  });
  return waits;
}

/** The timers of the client that are neither done nor given up, and their milliseconds. */
export function watchTimers(t: TestContext): Map<unknown, number> {
  const pending = new Map<unknown, number>();
  const { setTimeout, clearTimeout } = globalThis;
  t.mock.method(globalThis, "setTimeout", (act: () => void, milliseconds: number) => {
    const timer = setTimeout(() => {
      pending.delete(timer);
      act();
    }, milliseconds);
    if (isOwnCall()) {
      pending.set(timer, milliseconds);
    }
    return timer;
  });
  t.mock.method(globalThis, "clearTimeout", (timer: NodeJS.Timeout) => {
    pending.delete(timer);
    clearTimeout(timer);
  });
  return pending;
}

/** What the client listens with, and to. */
export function watchListeners(t: TestContext): Map<unknown, EventTarget> {
  const listening = new Map<unknown, EventTarget>();
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  type Parameters = [name: string, listener: EventListener];
  const add = function (this: EventTarget, ...parameters: Parameters) {
    addEventListener.apply(this, parameters);
    if (isOwnCall()) {
      listening.set(parameters[1], this);
    }
  };
  const remove = function (this: EventTarget, ...parameters: Parameters) {
    removeEventListener.apply(this, parameters);
    listening.delete(parameters[1]);
  };
  t.mock.method(EventTarget.prototype, "addEventListener", add);
  t.mock.method(EventTarget.prototype, "removeEventListener", remove);
  return listening;
}
