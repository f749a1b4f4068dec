/** What a widget tells the page that has it: DOM events of these names, with these details. */

import type { Message, ToolCall } from "@chatkit-rs/client";

export interface WidgetEvents {
  /** It was opened. */
  "chatkit-open": null;

  /** It was closed. */
  "chatkit-close": null;

  /** Another conversation is open; `null` for one that has no message yet. */
  "chatkit-conversation": { conversationId: string | null };

  /** An answer is complete. */
  "chatkit-message": { message: Message };

  /** A tool has done its work, or failed to: what the page shows may have changed. */
  "chatkit-tool": { toolCall: ToolCall };

  /** A run failed. */
  "chatkit-error": { code: string; message: string };

  /** The server asks for a token, or for another one. */
  "chatkit-unauthorized": null;
}

/** Tells one of them. */
export type Emit = <Name extends keyof WidgetEvents>(name: Name, detail: WidgetEvents[Name]) => void;
