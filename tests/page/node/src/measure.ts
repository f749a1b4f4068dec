/** How long the page keeps its reader waiting, in a conversation of thousands of messages. */

import { origin, open, users, visitor } from "./stage.js";

const id = process.argv[4] ?? "";

/** How far it is scrolled up: so many pages of messages. */
const PAGES = 40;

/** What became of one thing that the reader does, in milliseconds. */
interface Measured {
  what: string;

  /** Until it was done. */
  took: number;

  /** The longest time without an answer to a key or a click (Long Tasks API); below 50 none is told. */
  longest: number;

  /** All such times. */
  blocked: number;
}

const browser = await open();
const page = await (await visitor(browser, users.alice)).newPage();
await page.addInitScript(() => {
  const durations: number[] = [];
  Reflect.set(window, "longTasks", durations);
  new PerformanceObserver((list) => {
    durations.push(...list.getEntries().map(({ duration }) => duration));
  }).observe({ type: "longtask", buffered: true });
});

const all: Measured[] = [];

/** Measures something that is done by scripts in the page: what drives a browser from outside takes time in it. */
async function measure(what: string, act: () => Promise<unknown>): Promise<void> {
  const begun = performance.now();
  await act();
  const took = performance.now() - begun;
  // The observer hears of a task when that has ended.
  await page.waitForTimeout(300);
  const durations = await page.evaluate(() => (Reflect.get(window, "longTasks") as number[]).splice(0));
  all.push({ what, took, longest: Math.max(0, ...durations), blocked: durations.reduce((sum, one) => sum + one, 0) });
}

await measure("open", async () => {
  await page.goto(`${origin}/c/${id}`);
  await page.waitForFunction(() => document.querySelectorAll(".message").length > 0);
});

await measure(`scroll up through ${PAGES} pages`, () =>
  page.evaluate(async (pages) => {
    const view = document.querySelector(".scroller");
    if (!view) throw new Error("there is no history");
    const count = () => document.querySelectorAll(".message").length;
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    for (let page = 0; page < pages; page += 1) {
      const before = count();
      while (count() === before && document.querySelector(".more") !== null) {
        view.scrollTop = Math.max(0, view.scrollTop - 400);
        await frame();
      }
    }
  }, PAGES),
);

await measure("scroll down a screen at a time", () =>
  page.evaluate(async () => {
    const view = document.querySelector(".scroller");
    if (!view) throw new Error("there is no history");
    for (let step = 0; step < 100; step += 1) {
      view.scrollTop += view.clientHeight;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }),
);

await measure("jump to the end", () =>
  page.evaluate(async () => {
    document.querySelector<HTMLElement>(".to-end")?.click();
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  }),
);

await browser.close();
process.stdout.write(`${JSON.stringify(all)}\n`);
