/**
 * The stream of a turn, read as strictly as the protocol is written: lines of data and comments,
 * one line of data per event, and nothing behind the last event.
 */

import assert from "node:assert/strict";

/** The JSON of each event. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const frames = rest.split("\n\n");
      rest = frames.pop() ?? "";
      for (const frame of frames) {
        yield* readFrame(frame);
      }
      if (done) {
        break;
      }
    }
  } finally {
    reader.releaseLock();
  }
  assert.equal(rest, "", "the stream ends in the middle of an event");
}

/** What stands between two blank lines: comments, and at most one event. */
function* readFrame(frame: string): Generator<unknown> {
  const lines = frame.split("\n").filter((line) => !line.startsWith(":"));
  assert.ok(lines.length <= 1, `more than one line: ${frame}`);
  for (const line of lines) {
    assert.ok(line.startsWith("data: "), `neither data nor a comment: ${line}`);
    const text = line.slice("data: ".length);
    const event: unknown = JSON.parse(text);
    assert.equal(text, JSON.stringify(event), "the JSON is compact, and escapes only what it must");
    yield event;
  }
}
