/** The events of a run, as they are read out of a stream. */

import type { ServerSentEvent } from "./sse.js";
import type { RunEvent, RunEventType } from "./types.js";

/** An event with its number. Numbers rise and may have gaps. */
export type NumberedRunEvent = RunEvent & { readonly id: number };

/** Every event that is known, and whether it is a run's last. */
const IS_END = {
  "run.started": false,
  "message.created": false,
  "message.delta": false,
  "reasoning.delta": false,
  "tool_call.started": false,
  "tool_call.completed": false,
  "message.completed": false,
  "message.removed": false,
  "run.completed": true,
  "run.failed": true,
  "run.cancelled": true,
} as const satisfies Record<RunEventType, boolean>;

/** The types of a run's last event. */
type RunEndType = { [Type in RunEventType]: (typeof IS_END)[Type] extends true ? Type : never }[
  RunEventType
];

/** Whether it is the type of an event that is known. */
export function isRunEventType(value: unknown): value is RunEventType {
  return typeof value === "string" && Object.hasOwn(IS_END, value);
}

/** Whether a run has ended with this event. */
export function isRunEnd<Event extends RunEvent>(
  event: Event,
): event is Extract<Event, { type: RunEndType }> {
  return IS_END[event.type];
}

/** Tells events of these types from others, as in `events.find(isRunEventOf("message.delta"))`. */
export function isRunEventOf<Type extends RunEventType>(...types: Type[]) {
  const wanted = new Set<RunEventType>(types);
  return <Event extends RunEvent>(event: Event): event is Extract<Event, { type: Type }> =>
    wanted.has(event.type);
}

/** The number that was sent with an event, or else before it; `undefined` where it is none. */
export function numberOf(sent: ServerSentEvent): number | undefined {
  return /^[0-9]+$/.test(sent.id) ? Number(sent.id) : undefined;
}

/** The event that was sent; `undefined` for one of a later version. Throws if it makes no sense. */
export function runEvent(sent: ServerSentEvent): NumberedRunEvent | undefined {
  if (!isRunEventType(sent.name)) {
    return undefined;
  }
  const id = numberOf(sent);
  if (id === undefined) {
    // It could come twice, and nothing would tell.
    throw new SyntaxError(`The event ${sent.name} has no number`);
  }
  const data: unknown = JSON.parse(sent.data);
  if (!isOfType(data, sent.name)) {
    throw new SyntaxError(`The event ${id} is no ${sent.name}`);
  }
  return { ...data, id };
}

/**
 * Whether it is an event as far as its type tells. The server is taken at its word: a status that
 * only a later version knows must not end the following of a run.
 */
function isOfType(data: unknown, type: RunEventType): data is RunEvent {
  return typeof data === "object" && data !== null && "type" in data && data.type === type;
}
