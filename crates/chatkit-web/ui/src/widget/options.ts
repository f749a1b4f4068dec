/** What the attributes of a widget say. */

import { STARTERS } from "../chat/EmptyState";

export type Theme = "auto" | "light" | "dark";
export type Position = "bottom-right" | "bottom-left";

export interface Options {
  title: string;
  greeting: string;
  placeholder: string;
  prompts: readonly string[];
  theme: Theme;
  position: Position;
}

/** The attributes that are options. */
export const OPTIONS = ["title", "greeting", "placeholder", "prompts", "theme", "position"] as const;

/** The options of an element; what is missing or unknown is what most people want. */
export function optionsOf(element: Element): Options {
  const text = (name: (typeof OPTIONS)[number], otherwise: string) =>
    element.getAttribute(name)?.trim() || otherwise;
  const prompts = element.getAttribute("prompts");
  return {
    title: text("title", "Chat"),
    greeting: text("greeting", "How can I help?"),
    placeholder: text("placeholder", "Write a message"),
    prompts: prompts === null ? STARTERS : listed(prompts),
    theme: oneOf<Theme>(text("theme", "auto"), ["auto", "light", "dark"]),
    position: oneOf<Position>(text("position", "bottom-right"), ["bottom-right", "bottom-left"]),
  };
}

/** What stands between vertical bars. */
function listed(text: string): readonly string[] {
  const parts = text.split("|").map((part) => part.trim());
  return [...new Set(parts.filter((part) => part !== ""))];
}

function oneOf<T extends string>(text: string, known: readonly [T, ...T[]]): T {
  return known.find((word) => word === text) ?? known[0];
}
