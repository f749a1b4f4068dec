/** What the chat looks like and offers; `components/chat.tsx` adds what it speaks to. */

import type { ChatKitOptions, ColorScheme, ThemeOption } from "@openai/chatkit-react";

export const chatOptions = {
  frameTitle: "Chat about your tasks",
  header: { enabled: true, title: { enabled: true } },
  history: { enabled: true, showDelete: true, showRename: true },
  startScreen: {
    greeting: "What is there to do?",
    prompts: [
      { label: "Add a task", prompt: "Add a task to buy groceries", icon: "plus" },
      { label: "Show my tasks", prompt: "Show me all my tasks", icon: "notebook" },
      { label: "Complete a task", prompt: "Mark task 1 as complete", icon: "check-circle" },
    ],
  },
  composer: { placeholder: "Add, find or finish a task" },
  threadItemActions: { feedback: true, retry: true },
  thread: { autoScroll: true },
} satisfies Omit<ChatKitOptions, "api" | "theme">;

/** The colours are those of `app/globals.css`. */
export function chatTheme(colorScheme: ColorScheme): ThemeOption {
  const isDark = colorScheme === "dark";
  return {
    colorScheme,
    radius: "round",
    typography: { baseSize: 16, fontFamily: "system-ui, sans-serif" },
    color: {
      grayscale: { hue: 30, tint: 2 },
      accent: { primary: isDark ? "#f0936b" : "#a5421a", level: 1 },
      surface: isDark
        ? { background: "#1b1918", foreground: "#252220" }
        : { background: "#fdfcfb", foreground: "#ffffff" },
    },
  };
}
