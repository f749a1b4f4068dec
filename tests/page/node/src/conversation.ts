/** What is the same in the page and in the widget: saying something, and waiting for the answer. */

import type { Page } from "playwright-core";

export async function say(page: Page, text: string): Promise<void> {
  const composer = page.getByRole("textbox", { name: "Message" });
  await composer.fill(text);
  await composer.press("Enter");
}

/** The last answer. */
export function answer(page: Page) {
  return page.getByRole("article", { name: "Answer" }).last();
}

/** Waits until the last answer is whole and says this. */
export async function answered(page: Page, text: string): Promise<void> {
  await answer(page).getByText(text).waitFor();
  await page.getByRole("button", { name: "Send" }).waitFor();
}
