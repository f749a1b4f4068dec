/** How a run is followed: every event once, whatever becomes of the connections. */

import { piecesOf } from "./pieces.js";
import { ChatProblem, isProblem } from "./problem.js";
import { isRunEnd, type NumberedRunEvent, numberOf, runEvent } from "./run-event.js";
import { EventStreamParser, type ServerSentEvent } from "./sse.js";
import { mediaType } from "./transport.js";
import { Backoff, sleep, unlessSilent } from "./waiting.js";

/** From where on to follow a run, and for how long. */
export interface FollowOptions {
  /** The `id` of the last event that is known: only later ones are given. */
  after?: number | undefined;

  /** Ends the following at once. The run goes on. */
  signal?: AbortSignal | undefined;
}

/** The events of a run, to be read once, with `for await` or one by one. */
export interface RunEvents extends AsyncIterable<NumberedRunEvent> {
  /** The next event; `done` after the run's last one. */
  next(): Promise<IteratorResult<NumberedRunEvent, undefined>>;

  /** Ends the following at once, as leaving `for await` does. A `next` that waits is `done`. */
  return(): Promise<IteratorResult<NumberedRunEvent, undefined>>;

  [Symbol.asyncIterator](): RunEvents;
}

/** Asks for the events after the last one that came; it names none before the first one. */
export type Connect = (lastId: number | undefined, signal: AbortSignal) => Promise<Answer>;

/** What the server answers: a body that is not read yet, or the problem that was in it. */
interface Answer {
  readonly response: Response;
  readonly error?: unknown;
}

/** Why a following was stopped: nobody wants what is left of it. */
const LEFT = Symbol("left");

/** Follows a run. Nothing happens before the first event is asked for. */
export function follow(connect: Connect, { after, signal }: FollowOptions): RunEvents {
  const stop = new AbortController();
  const following = new Following(connect, after, stop.signal);
  const events = linked(following.events(), stop, signal);
  return {
    next: () => events.next(),
    return() {
      // While it waits, a generator would hear of its return only with the next event.
      stop.abort(LEFT);
      return events.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The events, until the following is stopped, which the caller's signal does too. */
async function* linked(
  events: AsyncIterable<NumberedRunEvent>,
  stop: AbortController,
  signal: AbortSignal | undefined,
): AsyncGenerator<NumberedRunEvent, undefined, undefined> {
  const abort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    yield* events;
  } catch (error) {
    if (stop.signal.reason !== LEFT) {
      throw error;
    }
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** What is known of a run that is followed, from one connection to the next. */
class Following {
  readonly #connect: Connect;
  readonly #after: number | undefined;
  readonly #stop: AbortSignal;
  readonly #backoff = new Backoff();
  #lastId: number | undefined;
  #isRefused = false;

  constructor(connect: Connect, after: number | undefined, stop: AbortSignal) {
    this.#connect = connect;
    this.#after = after;
    this.#stop = stop;
  }

  /** The events, through as many connections as it takes. */
  async *events(): AsyncGenerator<NumberedRunEvent, void, undefined> {
    for (;;) {
      let wait: number;
      try {
        if (yield* this.#untilCut()) {
          return;
        }
        wait = this.#backoff.next();
      } catch (error) {
        wait = this.#waitAfter(error);
      }
      await sleep(wait, this.#stop);
    }
  }

  /** The events of one connection. Gives back whether these were the last. */
  async *#untilCut(): AsyncGenerator<NumberedRunEvent, boolean, undefined> {
    const connection = new AbortController();
    const close = () => connection.abort(this.#stop.reason);
    this.#stop.addEventListener("abort", close);
    let end: NumberedRunEvent | undefined;
    try {
      const response = await this.#open(connection.signal);
      if (response === undefined) {
        return true;
      }
      for await (const event of this.#eventsOf(response)) {
        if (isRunEnd(event)) {
          end = event;
          break;
        }
        yield event;
      }
    } finally {
      this.#stop.removeEventListener("abort", close);
      connection.abort();
    }
    if (end === undefined) {
      return false;
    }
    // Nothing is open any more, also if nobody asks what comes after the end.
    yield end;
    return true;
  }

  /** The response, as soon as its body begins; `undefined` if nothing is left to be sent. */
  async #open(signal: AbortSignal): Promise<Response | undefined> {
    const answer = this.#connect(this.#lastId, signal);
    const { response, error } = await unlessSilent(answer, this.#stop);
    if (!response.ok) {
      throw ChatProblem.from(response, error);
    }
    this.#isRefused = false;
    if (response.status === 204) {
      return undefined;
    }
    if (mediaType(response) !== "text/event-stream") {
      throw ChatProblem.unreadable(response);
    }
    return response;
  }

  /** The events of a response that are known and did not come before. */
  async *#eventsOf(response: Response): AsyncGenerator<NumberedRunEvent, void, undefined> {
    const parser = new EventStreamParser();
    for await (const piece of piecesOf(response, this.#stop)) {
      for (const sent of parser.push(piece)) {
        this.#stop.throwIfAborted();
        const event = this.#take(sent, response);
        if (event !== undefined) {
          yield event;
        }
      }
      if (parser.retry !== undefined) {
        this.#backoff.startFrom(parser.retry);
      }
    }
  }

  #take(sent: ServerSentEvent, response: Response): NumberedRunEvent | undefined {
    const id = numberOf(sent);
    const lastId = this.#lastId ?? this.#after;
    if (id !== undefined && lastId !== undefined && id <= lastId) {
      return undefined;
    }
    try {
      const event = runEvent(sent);
      this.#lastId = id ?? this.#lastId;
      this.#backoff.reset();
      return event;
    } catch (error) {
      throw ChatProblem.unreadable(response, error);
    }
  }

  /** How long to wait after what ended a connection; throws it if it would end the next one too. */
  #waitAfter(error: unknown): number {
    if (isProblem(error) && isPassing(error)) {
      return this.#backoff.next(1_000 * (error.retryAfter ?? 0));
    }
    if (isProblem(error) && error.status === 401 && !this.#isRefused) {
      // A token may run out on its way. The next attempt asks for a fresh one.
      this.#isRefused = true;
      return 0;
    }
    throw error;
  }
}

/** Whether the next attempt may fare better. */
function isPassing({ status }: ChatProblem): boolean {
  return status === 0 || status === 429 || status >= 500;
}
