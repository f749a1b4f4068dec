/** How a request is sent: with a fresh token, and so that all that comes back can be read. */

import { ChatProblem } from "./problem.js";

/**
 * The caller's token, or a function that is asked for it before every request. Access tokens live
 * for minutes; with a function, the library that signs in decides when to fetch the next one.
 * `null` sends none.
 */
export type TokenSource = string | (() => string | null | Promise<string | null>);

/** Sends a request. */
export type Fetch = (request: Request) => Promise<Response>;

/**
 * Sends with a token, for a user where one is expected. Throws a `ChatProblem` for what is no answer
 * of the API at all, the abort error when the caller aborted, and what `token` throws as it is.
 */
export function transport(fetch: Fetch, token?: TokenSource, expectedUser?: string): Fetch {
  return async (request) => {
    if (expectedUser !== undefined) {
      request.headers.set("X-Expected-User", encodeURIComponent(expectedUser));
    }
    const current = typeof token === "function" ? await token() : token;
    if (current) {
      request.headers.set("Authorization", `Bearer ${current}`);
    }
    try {
      return await readable(await fetch(request));
    } catch (error) {
      const isOwn = error instanceof ChatProblem || request.signal.aborted;
      throw isOwn ? error : ChatProblem.unreachable(error);
    }
  };
}

/** The response, if it is in a form that the API sends. JSON is read to its end. */
async function readable(response: Response): Promise<Response> {
  if (response.body === null || isEmpty(response)) {
    return response;
  }
  const type = mediaType(response);
  if (type === "text/event-stream") {
    return response;
  }
  if (type !== "application/json" && !type.endsWith("+json")) {
    throw ChatProblem.unreadable(response);
  }
  const text = await response.text();
  try {
    JSON.parse(text);
  } catch (error) {
    throw ChatProblem.unreadable(response, error);
  }
  return new Response(text, response);
}

/** Whether the response has no body by its status; one that claims a length has none either. */
function isEmpty(response: Response): boolean {
  return response.status === 204 || response.status === 304;
}

/** What a body is said to be, without parameters; empty where nothing is said. */
export function mediaType(response: Response): string {
  return response.headers.get("Content-Type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}
