/**
 * Server-sent events out of bytes, as the HTML standard interprets an event stream:
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 *
 * What an event means is not known here.
 */

/** An event as it was sent. */
export interface ServerSentEvent {
  /** The last `id` that was sent with it or before it; empty where there was none. */
  readonly id: string;

  /** What was sent as `event`; `message` where nothing was. */
  readonly name: string;

  /** The lines of `data`. */
  readonly data: string;
}

/** Reads one event stream, in pieces that may be cut anywhere. */
export class EventStreamParser {
  // Removes a byte order mark, and keeps the beginning of a character for the next piece.
  readonly #decoder = new TextDecoder();
  #line = "";
  #isAfterCarriageReturn = false;
  #id = "";
  #name = "";
  #data: string[] = [];
  #retry: number | undefined;

  /** The last `retry` that was sent: after how many milliseconds to connect again. */
  get retry(): number | undefined {
    return this.#retry;
  }

  /** The events that end in this piece. One that is not complete when the stream ends is none. */
  *push(piece: Uint8Array): Generator<ServerSentEvent, void, undefined> {
    for (const line of this.#lines(this.#decoder.decode(piece, { stream: true }))) {
      if (line !== "") {
        this.#readField(line);
        continue;
      }
      const event = this.#complete();
      if (event !== undefined) {
        yield event;
      }
    }
  }

  /** The lines that end in this text. */
  #lines(text: string): string[] {
    if (text === "") {
      return [];
    }
    // A line ends with its CR, as the LF after it may be long in coming.
    const rest = this.#isAfterCarriageReturn && text.startsWith("\n") ? text.slice(1) : text;
    this.#isAfterCarriageReturn = text.endsWith("\r");
    const lines = rest.split(/\r\n|\r|\n/);
    lines[0] = this.#line + lines[0];
    this.#line = lines.pop() ?? "";
    return lines;
  }

  #readField(line: string): void {
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    switch (name) {
      case "event":
        this.#name = value;
        break;
      case "data":
        this.#data.push(value);
        break;
      case "id":
        this.#id = value.includes("\0") ? this.#id : value;
        break;
      case "retry":
        this.#retry = /^[0-9]+$/.test(value) ? Number(value) : this.#retry;
        break;
      default:
      // A comment, whose name is empty, or a field that is not known.
    }
  }

  /** The event that an empty line ends. Without a line of data it is none. */
  #complete(): ServerSentEvent | undefined {
    const [name, data] = [this.#name || "message", this.#data];
    this.#name = "";
    this.#data = [];
    return data.length === 0 ? undefined : { id: this.#id, name, data: data.join("\n") };
  }
}
