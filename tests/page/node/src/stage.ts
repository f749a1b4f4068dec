/** A browser before the page, and what can be asked of the other side. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** A part of an answer of the model's. */
export type Part =
  | { text: string }
  | { reasoning: string }
  | { wait: number }
  | { call: { id: string; name: string; arguments: string } }
  | { end: string }
  | "stall"
  | "abort";

const [url = "", alice = "", bob = "", link = "", expired = "", port = ""] = process.argv.slice(2);

/** Where the page is. */
export const origin: string = url;

/** The token of a link to sign in with. */
export const signInToken: string = link;

/** The users who have signed in elsewhere. */
export const users: { alice: string; bob: string } = { alice, bob };

/** A token that was Alice's. */
export const expiredToken: string = expired;

/** Where pages of other origins may be served that may call: under `localhost` and `127.0.0.1`. */
export const foreignPort = Number(port);

/** The names under which Chromium is installed. */
const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"];

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(what: unknown): Promise<string> {
  process.stdout.write(`@ ${JSON.stringify(what)}\n`);
  const answer: IteratorResult<string> = await answers.next();
  if (answer.done) throw new Error("the other side has gone");
  if (answer.value === "out of place") throw new Error(`out of place: ${JSON.stringify(what)}`);
  return answer.value;
}

/** Has the model answer so, one after the other; behind that it repeats what was said. */
export async function script(...replies: Part[][]): Promise<void> {
  await ask({ script: replies });
}

/** An answer in words. */
export function says(text: string): Part[] {
  return [{ text }, { end: "stop" }];
}

/** Gives Bob a conversation of so many messages, and returns its id. */
export async function history(messages: number): Promise<string> {
  return await ask({ history: messages });
}

/** Stops the server in the middle of what it does. */
export async function stopServer(): Promise<void> {
  await ask("stop");
}

/** Starts it again. */
export async function startServer(): Promise<void> {
  await ask("start");
}

/** Something that a scenario found in the page that must never be there. */
const faults: string[] = [];

/** A browser, without a window. */
export async function open(): Promise<Browser> {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const places = PROGRAMS.flatMap((program) => folders.map((folder) => join(folder, program)));
  const executablePath = places.find((place) => existsSync(place));
  if (executablePath === undefined) {
    throw new Error("no Chromium: `cargo xtask test` installs it where it can");
  }
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  return await chromium.launch({ executablePath, args });
}

/** How a browser differs from a desktop's. */
export interface Look {
  phone?: boolean;
  dark?: boolean;
}

/** A visitor with cookies of their own; signed in, where there is a token. */
export async function visitor(
  browser: Browser,
  token: string | null,
  look: Look = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: look.phone ? { width: 390, height: 780 } : { width: 1280, height: 800 },
    colorScheme: look.dark ? "dark" : "light",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  if (token !== null) {
    await context.addCookies([{ name: "auth_token", value: token, url: origin }]);
  }
  context.on("page", watch);
  return context;
}

/** What a page does that it never may. */
function watch(page: Page): void {
  page.on("dialog", (dialog) => {
    faults.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("pageerror", (error) => faults.push(`an error: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (/content security policy/i.test(text)) faults.push(`a report: ${text}`);
  });
}

/** Plays scenarios one after the other, and ends the process as they went. */
export async function play(scenarios: Record<string, (browser: Browser) => Promise<void>>): Promise<void> {
  const browser = await open();
  let failed = 0;
  for (const [name, scenario] of Object.entries(scenarios)) {
    faults.length = 0;
    try {
      await scenario(browser);
      if (faults.length > 0) throw new Error(faults.join("\n"));
      process.stdout.write(`${name}: ok\n`);
    } catch (error) {
      failed += 1;
      process.stdout.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
    }
    for (const context of browser.contexts()) await context.close();
  }
  await browser.close();
  process.exit(failed === 0 ? 0 : 1);
}
