/** What stands in the way of people who see, hear or move differently (WCAG 2.2, level AA). */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import type { Page } from "playwright-core";

/** The rules, which the page's own policy lets nobody load into it but a debugger. */
const RULES = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** Fails where a rule is broken, in light or in dark. */
export async function checkAccessibility(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // What fades has its colours when it has faded.
    await page.evaluate(() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished)));
    await page.evaluate(RULES);
    const violations = await page.evaluate(async () => {
      const axe = Reflect.get(window, "axe") as { run(): Promise<{ violations: Violation[] }> };
      return (await axe.run()).violations;
    });
    if (violations.length > 0) {
      const told = violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("; ")}`,
      );
      throw new Error(`${colorScheme}: ${told.join("\n")}`);
    }
  }
}
