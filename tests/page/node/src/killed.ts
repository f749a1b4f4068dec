/** The server is killed while somebody reads its answer, and started again. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

import type { Browser } from "playwright-core";

import { origin, play, users, visitor } from "./stage.js";

const [program = "", ...flags] = JSON.parse(process.env["SERVER"] ?? "[]") as string[];

let server: ChildProcess | undefined;

function isRunning(): boolean {
  return server !== undefined && server.exitCode === null && server.signalCode === null;
}

async function start(): Promise<void> {
  server = spawn(program, flags, { stdio: ["ignore", "ignore", "inherit"] });
  while (isRunning()) {
    const answer = await fetch(`${origin}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the server has ended");
}

/** SIGKILL: it can say and write nothing any more. */
async function kill(): Promise<void> {
  if (server !== undefined && isRunning()) {
    server.kill("SIGKILL");
    await once(server, "exit");
  }
}

async function killedInMidAnswer(browser: Browser): Promise<void> {
  await start();
  const page = await (await visitor(browser, users.alice)).newPage();
  await page.goto(origin);
  const composer = page.getByRole("textbox", { name: "Message" });
  await composer.fill("Say all you know");
  await composer.press("Enter");
  const answer = page.getByRole("article", { name: "Answer" });
  // What was said in the last second may not be stored yet; what came before is.
  await answer.getByText("word30").waitFor();
  await kill();
  await page.getByText("You are offline").waitFor();
  await answer.getByText("word30").waitFor();
  await start();
  await answer.getByText("The answer was interrupted.").waitFor();
  await page.getByText("You are offline").waitFor({ state: "detached" });
  // Until what is left of the run has been read again, it is still shown as one that goes on.
  await page.getByRole("button", { name: "Send" }).waitFor();
  const text = (await answer.textContent()) ?? "";
  assert.match(text, /^word1 word2 word3 .*word15 /);
  assert.equal(await page.getByRole("button", { name: "Try again" }).count(), 1);
  assert.equal(await page.locator(".notice").count(), 0);
  await page.getByRole("button", { name: "Try again" }).click();
  await answer.getByText("All of it.").waitFor();
  await page.getByRole("button", { name: "Send" }).waitFor();
  assert.equal(await answer.count(), 1);
  assert.equal(await page.getByRole("article", { name: "You" }).count(), 1);
}

process.on("exit", () => server?.kill("SIGKILL"));
// Before whoever waits for this loses patience, and kills it without the server.
setTimeout(() => process.exit(1), 150_000).unref();

await play({ "killed in mid-answer": killedInMidAnswer });
