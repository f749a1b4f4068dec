/** A use of a tool. It opens to show what the tool was given and what it gave back. */

import type { ToolCall, ToolCallStatus } from "@chatkit-rs/client";
import { useSignal } from "@preact/signals";

import { Icon, type IconName } from "../controls/Icon";
import { sentence } from "../lib/problem-text";
import { duration } from "../lib/time";

const STATUS: Readonly<Record<ToolCallStatus, { label: string; icon: IconName | null }>> = {
  awaiting_approval: { label: "Waiting for approval", icon: "pause" },
  running: { label: "Running…", icon: null },
  success: { label: "Done", icon: "check" },
  error: { label: "Failed", icon: "alert" },
  denied: { label: "Denied", icon: "cross" },
  cancelled: { label: "Stopped", icon: "pause" },
  unknown: { label: "Outcome unknown", icon: "alert" },
};

export function ToolCard({ toolCall }: { toolCall: ToolCall }) {
  const isOpen = useSignal(false);
  const { label, icon } = STATUS[toolCall.status] ?? STATUS.unknown;
  const took = toolCall.execution_time_ms;
  return (
    <details
      class="tool"
      data-status={toolCall.status}
      onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}
    >
      <summary>
        {icon === null ? <span class="spinner" /> : <Icon name={icon} />}
        <span class="tool-name">{inWords(toolCall.tool_name)}</span>
        <span class="tool-status">{took === null ? label : `${label} · ${duration(took)}`}</span>
        <Icon name="chevron" />
      </summary>
      {isOpen.value && <Inside toolCall={toolCall} />}
    </details>
  );
}

function Inside({ toolCall }: { toolCall: ToolCall }) {
  const { arguments: given, arguments_text: text, result, error_message: problem } = toolCall;
  return (
    <div class="tool-inside">
      <Part name="Arguments" text={text ?? pretty(given)} />
      {problem !== null && <p class="tool-problem">{sentence(problem)}</p>}
      {result !== null && <Part name="Result" text={pretty(result)} />}
      <p class="tool-id">
        Tool <code>{toolCall.tool_name}</code>
      </p>
    </div>
  );
}

function Part({ name, text }: { name: string; text: string }) {
  return (
    <>
      <p class="tool-part">{name}</p>
      <pre tabIndex={0} role="region" aria-label={name}>
        {text}
      </pre>
    </>
  );
}

/** `add_task` as one would say it. */
function inWords(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/[_\-.\s]+/g, " ")
    .trim()
    .toLowerCase();
  return words === "" ? "Tool" : words.charAt(0).toUpperCase() + words.slice(1);
}

function pretty(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
