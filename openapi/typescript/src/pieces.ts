/** The body of a response, as it comes in. */

import { ChatProblem } from "./problem.js";
import { unlessSilent } from "./waiting.js";

/**
 * The pieces of a body up to its end. Throws a `ChatProblem` if it cannot be read, breaks off or
 * falls silent, and the signal's reason on an abort. Who leaves it closes it.
 */
export async function* piecesOf(
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!response.body) {
    // Where a body cannot be read before its end there is none.
    throw ChatProblem.unreadable(response);
  }
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await unlessSilent(read(reader), signal);
      if (done) {
        return;
      }
      yield value;
    }
  } finally {
    // Nobody waits for it, and what broke off cannot be closed.
    reader.cancel().catch(() => {});
  }
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (error) {
    throw ChatProblem.unreachable(error);
  }
}
