/**
 * The `fetch` that ChatKit's component is given: every request carries a token of whoever is
 * signed in, which this app's Better Auth issues.
 */

/** How long before its end a token is no longer used, so that none ends on its way. */
const MARGIN = 30_000;

/** Why the chat server is of no use; `undefined` once it is. */
export type Trouble = "unreachable" | "refused" | undefined;

export interface ChatFetchOptions {
  /** Nobody is signed in any more. */
  onSignedOut: () => void;
  /** Called behind every request. */
  onTrouble?: (trouble: Trouble) => void;
  tokenUrl?: string;
  /** What sends the requests, to both servers. */
  fetch?: typeof fetch;
  /** The time in milliseconds. */
  now?: () => number;
}

/** Nobody is signed in, so there is no token. */
export class SignedOutError extends Error {
  override name = "SignedOutError";

  constructor() {
    super("You are signed out.");
  }
}

export function createChatFetch(options: ChatFetchOptions): typeof fetch {
  const onTrouble = options.onTrouble ?? (() => {});
  // Looked up for each request, as a browser's `fetch` may not be called as another object's.
  const request: typeof fetch = (...target) => (options.fetch ?? fetch)(...target);
  const tokens = new Tokens(options, request);

  const send = async (unsent: Request, token: string) => {
    try {
      return await request(withToken(unsent, token));
    } catch (error) {
      // Browsers tell no more: the server is away, or does not let this origin's pages call it.
      if (error instanceof TypeError) {
        onTrouble("unreachable");
      }
      throw error;
    }
  };

  return async (input, init) => {
    const first = await tokens.get();
    const unsent = new Request(input, init);
    // A request's body can be sent only once.
    const again = unsent.clone();
    let response = await send(unsent, first);
    if (response.status === 401) {
      // Its keys or the clocks may have changed. A new token settles that, or nothing does.
      tokens.forget(first);
      response = await send(again, await tokens.get());
    }
    onTrouble(response.status === 401 ? "refused" : undefined);
    return response;
  };
}

function withToken(request: Request, token: string): Request {
  request.headers.set("Authorization", `Bearer ${token}`);
  return request;
}

/** The token that is in use. It is kept in memory alone, and goes with the page. */
class Tokens {
  readonly #options: ChatFetchOptions;
  readonly #request: typeof fetch;
  readonly #now: () => number;
  #current: { value: string; goodUntil: number } | undefined;
  #loading: Promise<string> | undefined;

  constructor(options: ChatFetchOptions, request: typeof fetch) {
    this.#options = options;
    this.#request = request;
    this.#now = options.now ?? Date.now;
  }

  /** One that is good for a while. All who ask while one is on its way get that one. */
  async get(): Promise<string> {
    if (this.#current && this.#now() < this.#current.goodUntil) {
      return this.#current.value;
    }
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /** A token was refused. A newer one may have taken its place already. */
  forget(value: string): void {
    if (this.#current?.value === value) {
      this.#current = undefined;
    }
  }

  async #load(): Promise<string> {
    const asked = this.#now();
    const response = await this.#request(this.#options.tokenUrl ?? "/api/auth/token", {
      cache: "no-store",
    });
    if (response.status === 401) {
      this.#options.onSignedOut();
      throw new SignedOutError();
    }
    if (!response.ok) {
      throw new Error(`No token could be had (status ${response.status}).`);
    }
    const { token } = (await response.json()) as { token: string };
    this.#current = { value: token, goodUntil: asked + lifetime(token) - MARGIN };
    return token;
  }
}

/** For how long a JWT is good. What the user's own clock says of its end may be wrong. */
function lifetime(token: string): number {
  const payload = token.split(".")[1] ?? "";
  const claims = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
  const { iat, exp } = JSON.parse(claims) as { iat: number; exp: number };
  return (exp - iat) * 1_000;
}
